import { execFile, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Account, runAs } from './account.ts'
import { startTied } from './tied.ts'

const run = promisify(execFile)

/** Where the programs of one PostgreSQL are, and whom they run as. */
export interface Programs {
  readonly binDirectory: string
  readonly account: Account | undefined
}

/** A `postgres` process that accepts connections. */
export interface PostgresProcess {
  readonly pid: number
  /** Ends it: `fast` closes connections first, `immediate` recovers at the next start. Resolves when it is gone. */
  stop(mode?: 'smart' | 'fast' | 'immediate'): Promise<void>
  /** SIGKILL to the postmaster; resolves when it and its children, which notice by themselves, are gone. */
  kill(): Promise<void>
}

/** What the programs see of our environment: nothing. A foreign locale, PGDATA or PGHOST would change what they do. */
export const CLEAN_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * Makes a database cluster in `dataDirectory` with user `postgres` and this password, for which TCP connections are asked.
 *
 * The locale is C with UTF-8, since a machine may have no other.
 */
export async function initialise(
  programs: Programs,
  dataDirectory: string,
  password: string,
  args: readonly string[] = [],
): Promise<void> {
  const passwordFile = await writePasswordFile(`${dataDirectory}.password`, password)
  const fixed = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth-host=scram-sha-256', '--auth-local=trust']
  const locale = ['--locale=C', '--encoding=UTF8', '--no-instructions', '--no-sync']
  const all = ['-D', dataDirectory, ...fixed, ...locale, ...args]
  await runProgram(programs, 'initdb', all)
}

/** Writes a password to where `initdb --pwfile` reads it; the directory around it keeps others out. Gives the path. */
export async function writePasswordFile(path: string, password: string): Promise<string> {
  await writeFile(path, password, { mode: 0o644 })
  return path
}

/** Runs one of the programs to its end and gives what it wrote to stdout. Rejects with its stderr. */
export async function runProgram(
  programs: Programs,
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = { cwd: '/', env: { ...CLEAN_ENVIRONMENT, ...environment }, ...runAs(programs.account) }
  return (await run(join(programs.binDirectory, name), args, { ...options, maxBuffer: 1 << 28 })).stdout
}

/** A TCP port of the loopback address that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve, reject) => probe.once('listening', resolve).once('error', reject))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  return address.port
}

/**
 * Starts `postgres` with these arguments, its output going to `logFile`, and waits until it accepts connections. Rejects with
 * the end of its output when it ends before, and when it is not ready in two minutes.
 * It does not outlive us.
 */
export async function launch(
  programs: Programs,
  dataDirectory: string,
  args: readonly string[],
  logFile: string,
): Promise<PostgresProcess> {
  const output = await open(logFile, 'a')
  const all = ['-D', dataDirectory, ...args]
  const started = startTied(join(programs.binDirectory, 'postgres'), all, {
    signal: 'SIGQUIT',
    env: CLEAN_ENVIRONMENT,
    output: [output.fd, output.fd],
    account: programs.account,
  })
  await output.close()
  const { child } = started
  try {
    await ready(child, dataDirectory)
  } catch (cause) {
    await started.end('SIGQUIT')
    throw new Error(`postgres did not start: ${(await readFile(logFile, 'utf8')).slice(-2000)}`, { cause })
  }
  const signals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const
  return {
    pid: child.pid ?? 0,
    stop: (mode = 'fast') => started.end(signals[mode]),
    kill: async () => {
      const pids = await childrenOf(child.pid ?? 0)
      await started.end('SIGKILL')
      // A child that still lives holds the shared memory, and the next start would be refused.
      while (pids.some(alive)) await wait(10)
    },
  }
}

/**
 * Starts `postgres` on a free TCP port. Somebody else may take the port between our look and the server's start, so it is
 * tried more than once.
 */
export async function launchOnFreePort(
  programs: Programs,
  dataDirectory: string,
  args: readonly string[],
  logFile: string,
): Promise<PostgresProcess & { readonly port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { ...(await launch(programs, dataDirectory, ['-p', String(port), ...args], logFile)), port }
    } catch (error) {
      if (attempt === 4 || !String(error).includes('Address already in use')) throw error
    }
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** Whether a process runs. One that ended and that nobody has waited for, as happens in containers without an init, does not. */
const alive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The server's own word in its lock file, as pg_ctl reads it; it needs no connection and no password. */
async function ready(child: ChildProcess, dataDirectory: string): Promise<void> {
  for (let round = 0; round < 6000; round++) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw new Error('it ended')
    const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return
    await wait(20)
  }
  throw new Error('it was not ready in two minutes')
}
