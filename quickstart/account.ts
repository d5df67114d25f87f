import { spawnSync } from 'node:child_process'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A system user that a program runs as. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * Whom PostgreSQL runs as: undefined means ourselves. It refuses to run as root, so root gives way to `postgres` where that
 * user exists, else to `nobody`. Rejects when there is neither.
 */
export async function databaseAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] = lines.find((fields) => fields[0] === wanted) ?? []
    if (name && uid && gid && uid !== '0') return { name, uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it as')
}

/** The spawn options that make a program run as `account`. */
export const runAs = (account: Account | undefined): { uid?: number; gid?: number } =>
  account ? { uid: account.uid, gid: account.gid } : {}

/** Whether `account` can list and enter `directory`: also a directory open to all is out of reach below a closed one. */
export function canEnter(account: Account | undefined, directory: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', 'cd -- "$1" && ls >/dev/null', 'sh', directory], {
    cwd: '/',
    stdio: 'ignore',
    ...runAs(account),
  })
  return status === 0
}

/**
 * An empty directory of its own, mode 0700, that belongs to `account` and that it can reach. `below` names where to put it;
 * otherwise the first usable one of the system's temporary directories.
 */
export async function makeDirectoryFor(account: Account | undefined, name: string, below?: string): Promise<string> {
  for (const parent of below ? [below] : [tmpdir(), '/tmp', '/var/tmp']) {
    const directory = await mkdtemp(join(parent, name)).catch(() => undefined)
    if (directory === undefined) continue
    if (account) await chown(directory, account.uid, account.gid)
    if (canEnter(account, directory)) return directory
    await rm(directory, { recursive: true })
  }
  throw new Error(`no temporary directory that user ${account?.name ?? 'we ourselves'} can write to; set TMPDIR`)
}
