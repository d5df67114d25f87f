import { execFile } from 'node:child_process'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, databaseAccount, makeDirectoryFor, runAs } from '../../quickstart/account.ts'
import type { SetReader } from '../../src/core/set-reader.ts'
import type { Target } from '../../src/engine/engine.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { plainFacts, setOf, takeMembers, tarOf, type Member } from './base-backup-set.ts'

export const BIN = '/usr/lib/postgresql/15/bin'

/** A set of a PostgreSQL 15 with two tables and a tablespace, and a place to restore it. */
export interface RestoreWorld extends AsyncDisposable {
  /** Whom restored files shall belong to; undefined when we are not root. */
  readonly owner: Account | undefined
  /** The source; it runs. */
  readonly server: TestServer
  readonly members: readonly Member[]
  /** The set as it was taken. */
  readonly set: SetReader
  /** Holds all targets; belongs to the owner. */
  readonly directory: string
  at(name: string): Target
}

export async function openRestoreWorld({ pageChecksums = true } = {}): Promise<RestoreWorld> {
  const owner = await databaseAccount()
  const server = await startPostgres({
    version: 15,
    tablespaces: ['outer "space"'],
    initdbArgs: ['--allow-group-access', ...(pageChecksums ? ['--data-checksums'] : [])],
  })
  await server.query('create table plain as select g, md5(g::text) from generate_series(1, 50000) g')
  await server.query('create index on plain (md5)')
  await server.query('create table "in space" tablespace "outer ""space""" as select * from plain')
  const members = await takeMembers(server)
  const directory = await makeDirectoryFor(owner, 'holdfast-restore-', '/tmp')
  return {
    owner,
    server,
    members,
    set: setOf(tarOf(members), plainFacts()),
    directory,
    at: (name) => ({ directory: join(directory, name), ...(owner ? { owner } : {}) }),
    [Symbol.asyncDispose]: async () => {
      await rm(directory, { recursive: true, force: true })
      await server[Symbol.asyncDispose]()
    },
  }
}

/** What the server itself says, started by hand on a directory. */
export const startByHand = (dataDirectory: string, account: Account | undefined): Promise<unknown> =>
  promisify(execFile)(join(BIN, 'postgres'), ['-D', dataDirectory], { cwd: '/', timeout: 20_000, ...runAs(account) })

export const isGone = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    () => true,
  )

/** Does something with the rights of another user, as far as files go; as ourselves when we are not root. */
export async function asUser<T>({ uid, gid }: { uid: number; gid: number }, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.setegid?.(gid)
  process.seteuid?.(uid)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}
