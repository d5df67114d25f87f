/** Restores the tar at argv[2] into argv[3], told that it decodes to argv[4] bytes, and prints what became of it. */
import { readdir, readFile } from 'node:fs/promises'
import { Fault } from '../../src/core/fault.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { plainFacts, setOf } from './base-backup-set.ts'

const [tarFile = '', directory = '', plainSize = ''] = process.argv.slice(2)
const set = setOf(await readFile(tarFile), plainFacts())
const parts = set.manifest.parts.map((part) => ({ ...part, plainSize: Number(plainSize) }))
const failure = await restore({ directory }, [{ ...set, manifest: { ...set.manifest, parts } }], {}).then(
  () => undefined,
  (error: unknown) => error,
)
const there: string[] = await readdir(directory, { recursive: true }).catch(() => [])
console.log(
  JSON.stringify({
    code: Fault.is(failure) ? failure.code : String(failure),
    message: (failure as Error | undefined)?.message,
    wrote: there.length > 0,
    marked: there.includes('HOLDFAST_RESTORE_INCOMPLETE'),
    startable: there.includes('data/PG_VERSION') || there.includes('data/global/pg_control'),
  }),
)
