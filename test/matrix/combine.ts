import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from '../../quickstart/account.ts'
import { runProgram } from '../../quickstart/postgres-process.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import type { Member } from '../postgres/chain-world.ts'
import type { MajorPrograms } from './programs.ts'

const run = promisify(execFile)

/** Lays a set down as `pg_basebackup -Fp` would have: with links to its tablespaces, and no map of them. */
async function layDown({ tar }: Member, directory: string): Promise<readonly string[]> {
  await mkdir(directory, { mode: 0o700 })
  await writeFile(join(directory, 'data.tar'), tar)
  await run('tar', ['-xf', join(directory, 'data.tar'), '-C', directory, '--no-same-owner'])
  await rm(join(directory, 'data.tar'))
  await rm(join(directory, 'data/tablespace_map'), { force: true })
  await chmod(join(directory, 'data'), 0o700)
  const spaces = await readdir(join(directory, 'tablespaces')).catch((): string[] => [])
  for (const oid of spaces) await symlink(join(directory, 'tablespaces', oid), join(directory, 'data/pg_tblspc', oid))
  return spaces
}

/** What the real pg_combinebackup makes of a chain: `data/` and `tablespaces/<oid>/` below `to`. */
export async function combine(
  { binDirectory }: MajorPrograms,
  account: Account | undefined,
  chain: readonly Member[],
  to: string,
): Promise<void> {
  const sets = join(to, 'sets')
  await mkdir(sets, { recursive: true })
  let spaces: readonly string[] = []
  for (const [at, member] of chain.entries()) spaces = await layDown(member, join(sets, String(at)))
  const last = join(sets, String(chain.length - 1))
  await giveTo(to, account)
  await runProgram({ binDirectory, account }, 'pg_combinebackup', [
    '--no-sync',
    '-o',
    join(to, 'data'),
    ...spaces.flatMap((oid) => ['-T', `${last}/tablespaces/${oid}=${to}/tablespaces/${oid}`]),
    ...chain.map((_, at) => join(sets, String(at), 'data')),
  ])
  await rm(sets, { recursive: true })
}
