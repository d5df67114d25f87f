import { chown, cp, mkdir, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../../quickstart/account.ts'
import type { TestServer } from './test-server.ts'

/**
 * Takes a base backup of a running server by copying its files between pg_backup_start and pg_backup_stop, as its manual
 * describes, and gives where each tablespace now is, by name. It needs no client program, which the npm package does not have.
 */
export async function copyCluster(
  server: TestServer,
  to: string,
  tablespaceParent: string,
): Promise<Record<string, string>> {
  const session = await server.connect()
  try {
    await session.query(`select pg_backup_start('copy', true)`)
    await copyFiles(server.dataDirectory, to)
    const { rows } = await session.query<{ oid: string; name: string; location: string }>(
      `select oid::text as oid, spcname as name, pg_tablespace_location(oid) as location
       from pg_tablespace where pg_tablespace_location(oid) <> ''`,
    )
    const moved: Record<string, string> = {}
    for (const { oid, name, location } of rows) {
      const directory = join(tablespaceParent, oid)
      await copyFiles(location, directory)
      await unlink(join(to, 'pg_tblspc', oid))
      await symlink(directory, join(to, 'pg_tblspc', oid))
      moved[name] = directory
    }
    const { rows: stopped } = await session.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    await writeFile(join(to, 'backup_label'), stopped[0]?.labelfile ?? '')
    return moved
  } finally {
    await session.end()
  }
}

/** What a backup leaves out: the lock of the running server, and what is rebuilt at start. */
const LEFT_OUT = ['postmaster.pid', 'postmaster.opts', 'pg_replslot', 'pg_stat_tmp', 'pg_internal.init', 'pgsql_tmp']

/** Files of a running server come and go; one that went between listing and copying was not needed. */
async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const target = join(to, entry.name)
    if (LEFT_OUT.includes(entry.name)) {
      if (entry.isDirectory()) await mkdir(target, { mode: 0o700 })
      continue
    }
    if (entry.isDirectory()) {
      await copyFiles(join(from, entry.name), target)
      continue
    }
    await cp(join(from, entry.name), target, { verbatimSymlinks: true }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      await rm(target, { force: true })
    })
  }
}

/** Makes `account` the owner of a directory and all below it; links themselves, not what they point to. Nothing when undefined. */
export async function giveTo(directory: string, account: Account | undefined): Promise<void> {
  if (!account) return
  await chown(directory, account.uid, account.gid)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await giveTo(path, account)
    else if (!entry.isSymbolicLink()) await chown(path, account.uid, account.gid)
  }
}
