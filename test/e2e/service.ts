import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { embeddedPostgres } from '../../quickstart/embedded-postgres.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { eventually } from '../lib/eventually.ts'
import type { LogLine, Ran } from '../lib/service.ts'

/** The program as users run it. */
export const HOLDFAST = join(import.meta.dirname, '../../bin/holdfast')

/** A real `bin/holdfast serve` with a key, and commands that use it. Disposing it stops the service and removes every byte. */
export interface E2eService extends AsyncDisposable {
  readonly url: string
  readonly dataDirectory: string
  readonly storeDirectory: string
  /** Where sets may be restored to, by the owner that the service gives files to. */
  readonly restoreRoot: string
  /** Where clones lie. */
  readonly clones: string
  readonly owner: Account | undefined
  /** Process id of the child that does the tasks now. */
  workerPid(): Promise<number>
  log(): readonly LogLine[]
  /** Runs a command with the service's key. */
  run(...argv: readonly string[]): Promise<Ran>
  /** The JSON that a command prints with `--json`; rejects with its stderr when it fails. */
  json<T>(...argv: readonly string[]): Promise<T>
  /** The reply of an action. */
  call<T>(action: string, parameters?: Readonly<Record<string, string>>): Promise<T>
  /** Asks it to end, and gives its exit code. */
  stop(): Promise<number>
}

export interface E2eOptions {
  /** Further arguments of `serve`. */
  readonly args?: readonly string[]
  /** A data directory to serve that stays; otherwise a new one that goes away. */
  readonly dataDirectory?: string
  /** The store, when it shall not lie in the data directory. */
  readonly storeDirectory?: string
  /** Environment of its commands, instead of that of a fresh key. */
  readonly key?: Readonly<Record<string, string>>
  /** What the test's directory is made below. */
  readonly below?: string
}

export async function startService(options: E2eOptions = {}): Promise<E2eService> {
  const owner = await databaseAccount()
  const embedded = await embeddedPostgres(owner)
  const directory = await makeDirectoryFor(owner, 'holdfast-e2e-', options.below ?? '/tmp')
  const dataDirectory = options.dataDirectory ?? join(directory, 'service')
  const restoreRoot = join(directory, 'restored')
  await mkdir(restoreRoot)
  await giveTo(restoreRoot, owner)
  const { pid, log, url, stop } = spawnServe(dataDirectory, [
    '--set',
    `restore.roots=${restoreRoot}`,
    '--set',
    `restore.binDirs=${embedded.binDirectory}`,
    '--set',
    `drills.directory=${join(directory, 'drills')}`,
    '--set',
    `clones.directory=${join(directory, 'clones')}`,
    '--set',
    'clones.lookSeconds=0.2',
    ...(owner ? ['--set', `restore.owner=${owner.name}`] : []),
    ...(options.storeDirectory === undefined ? [] : ['--set', `store.url=file://${options.storeDirectory}`]),
    ...(options.args ?? []),
  ])
  const [endpoint, key] = await Promise.all([url(), options.key ?? newKey(dataDirectory)]).catch(async (error) => {
    await stop()
    throw error
  })
  const env = { ...key, HOLDFAST_ENDPOINT: endpoint }
  const run = (...argv: readonly string[]) => runProgram(argv, env)
  const json = async <T>(...argv: readonly string[]) => parse<T>(await run(...argv, '--json'))
  return {
    url: endpoint,
    dataDirectory,
    storeDirectory: options.storeDirectory ?? join(dataDirectory, 'store'),
    restoreRoot,
    clones: join(directory, 'clones'),
    owner,
    workerPid: () => childOf(pid, 'worker'),
    log,
    run,
    json,
    call: async <T>(action: string, parameters: Readonly<Record<string, string>> = {}) =>
      parse<T>(await run('call', action, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`))),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      await embedded[Symbol.asyncDispose]()
    },
  }
}

/** Our environment without settings of another Holdfast. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')))

/** Runs a command in a process of its own. */
export function runProgram(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(HOLDFAST, [...argv], { env: { ...environment(), ...env }, maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

function parse<T>({ code, out, err }: Ran): T {
  if (code !== 0) throw new Error(`exit code ${code}: ${err}`)
  return JSON.parse(out) as T
}

/** `serve` with these arguments on a free port, as a process of its own. */
export function spawnServe(dataDirectory: string, args: readonly string[]) {
  const free = ['--port', '0', '--set', 'metrics.port=0']
  // A new instance has a window each night: no test shall meet the backup that is taken in it.
  const manual = ['--set', 'scheduler.pollSeconds=1000000']
  const child = spawn(HOLDFAST, ['serve', '--data-dir', dataDirectory, ...free, ...manual, ...args], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const exited = once(child, 'exit').then(([code]) => Number(code ?? -1))
  const lines = () => text.split('\n').slice(0, -1)
  const log = () => lines().flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []))
  const ready = () => log().find(({ msg }) => msg === 'ready')
  return {
    pid: child.pid ?? 0,
    log,
    url: async () => {
      await eventually(async () => child.exitCode !== null || ready() !== undefined, `ready: ${text}`)
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}: ${text}`)
      return String(ready()?.['url'])
    },
    stop: async () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

async function newKey(dataDirectory: string): Promise<Record<string, string>> {
  const made = ['keys', 'add', '--local', '--data-dir', dataDirectory, '--json']
  const key = parse<{ AccessKeyId: string; AccessKeySecret: string }>(await runProgram(made))
  return { HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId, HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret }
}

async function childOf(parent: number, role: string): Promise<number> {
  const children = (await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')).split(' ').filter(Boolean)
  for (const pid of children) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    if (command.includes(role)) return Number(pid)
  }
  throw new Error(`serve has no child for ${role}`)
}
