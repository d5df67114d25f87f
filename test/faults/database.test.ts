import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { startPostgres } from '../lib/postgres.ts'
import { temporaryDirectory } from '../lib/service.ts'
import { failedReason, registerServer, remains, served } from './served.ts'

/** Whether bytes of a part have reached the store, and the part is not whole. */
async function halfWay(store: string): Promise<boolean> {
  const drafts = await readdir(join(store, '~drafts')).catch(() => [])
  const sizes = await Promise.all(drafts.map((name) => stat(join(store, '~drafts', name)).catch(() => undefined)))
  return sizes.some((draft) => (draft?.size ?? 0) > 0)
}

test('a database that dies in the middle of its backup is asked again, then the set is Failed with the reason', async () => {
  await using postgres = await startPostgres({ version: 15 })
  await using directory = await temporaryDirectory()
  // Slow enough at this level that half way is no matter of luck.
  await using service = await served({ directory: directory.path, args: ['--set', 'worker.compressionLevel=17'] })
  const store = join(directory.path, 'store')
  await registerServer(service, 'pg-1', postgres.address, directory.path)
  const taking = service.run('backups', 'take', 'pg-1')
  await eventually(() => halfWay(store), 'half a backup')
  await postgres.kill()
  const taken = await taking
  assert.equal(taken.code, 13)

  const log = service.serve.log()
  const again = log.find(({ msg }) => msg === 'task failed, will be tried again')
  assert.match(String(again?.['reason']), /pg-1|127\.0\.0\.1|connection/)
  assert.match(await failedReason(service, 'pg-1'), new RegExp(`connect to 127.0.0.1:${postgres.address.port}`))
  assert.deepEqual(await remains(store), [])
  await service.assertLives()
})
