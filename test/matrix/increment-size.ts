import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { runProgram } from '../../quickstart/postgres-process.ts'
import { beginSet } from '../../src/set/write.ts'
import { emptyStore, manifestOf, PLACE } from '../lib/set.ts'
import { takeMember, openChainWorld, type Member } from '../postgres/chain-world.ts'
import type { MajorPrograms } from './programs.ts'

const LEVEL = 3
const compressed = async (content: Buffer): Promise<number> =>
  (await promisify(zstdCompress)(content, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } })).length

/** All that a store keeps of a set: its data, the server's manifest beside it, from which the next increment begins, and our own. */
async function stored(set: Member): Promise<number> {
  const store = emptyStore()
  const writer = beginSet(store, PLACE, { level: LEVEL })
  await writer.part('data', set.read('data'))
  await writer.extra('backup_manifest', set.read('backup_manifest'))
  await writer.commit(manifestOf(PLACE, writer))
  const objects = await Array.fromAsync(store.list(''))
  return objects.reduce((sum, { size }) => sum + size, 0)
}

/** How many bytes an increment of ours takes against one that pg_basebackup takes of the same change, both compressed by zstd alike. */
export async function measureIncrement(programs: MajorPrograms): Promise<string> {
  const { major, binDirectory } = programs
  assert.ok(major === 17 || major === 18)
  await using world = await openChainWorld([], { version: major, binDirectory })
  const { server, directory } = world
  await server.query(`create table t as select g, md5(g::text) as b, repeat(md5((g * 7)::text), 3) as c
    from generate_series(1, 200000) g; create index on t (b)`)
  await server.query('vacuum t')
  const full = await takeMember(server)
  await server.query('update t set b = md5(b) where g % 100 = 0')
  await server.query('checkpoint')
  const ours = await takeMember(server, full)
  const manifest = join(directory, 'backup_manifest')
  const out = join(directory, 'theirs')
  await writeFile(manifest, full.serverManifest)
  const { host, port, user, password = '' } = server.address
  const args = ['-Ft', '-X', 'fetch', '-c', 'fast', '--no-sync', '-h', host, '-p', String(port), '-U', user]
  const programsOfOurs = { binDirectory, account: undefined }
  await runProgram(programsOfOurs, 'pg_basebackup', [...args, '-D', out, `--incremental=${manifest}`], {
    PGPASSWORD: password,
  })
  let theirs = 0
  for (const name of await readdir(out)) theirs += await compressed(await readFile(join(out, name)))
  await rm(out, { recursive: true })
  const bytes = await stored(ours)
  const percent = (100 * (bytes - theirs)) / theirs
  const said = `${bytes} bytes against ${theirs}: ${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`
  assert.ok(percent <= 5, said)
  return said
}
