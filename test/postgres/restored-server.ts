import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { StartedServer } from '../../src/engine/postgres/restore-start.ts'

/** Runs SQL on a restored server, over its socket. */
export async function queryRestored(
  { address }: Pick<StartedServer, 'address'>,
  sql: string,
  database = 'postgres',
): Promise<Record<string, unknown>[]> {
  const { host, port, user } = address
  const client = new pg.Client({ host, port, user, database })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** A digest of every path, kind, mode, owner and byte below a directory. */
export async function treeDigest(directory: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(directory, { recursive: true })).toSorted()) {
    const path = join(directory, name)
    const info = await lstat(path)
    hash.update(`${name} ${info.mode} ${info.uid} ${info.gid} ${info.size}\n`)
    if (info.isSymbolicLink()) hash.update(await readlink(path))
    if (info.isFile()) hash.update(await readFile(path))
  }
  return hash.digest('hex')
}
