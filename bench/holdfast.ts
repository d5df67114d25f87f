import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestServer } from '../test/lib/postgres.ts'
import { runAs } from '../quickstart/account.ts'
import type { Contender } from './backup-peers.ts'
import { type Cost, cost, shell } from './measure.ts'
import type { Runner } from './race.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../bin/holdfast', import.meta.url))

/** A service of our own on loopback, as a user would start it. */
export interface Service extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  readonly key: { readonly id: string; readonly secret: string }
  /** Runs one of its commands with its endpoint and key, and gives what the command printed as JSON. */
  call(...args: string[]): Promise<unknown>
}

/** Starts `holdfast serve` in `directory` with these settings (`path=value`) and makes it a key. */
export async function startService(
  directory: string,
  settings: readonly string[],
  { processor }: { processor?: number } = {},
): Promise<Service> {
  const sets = [
    'api.port=0',
    'metrics.enabled=false',
    'log.level=info',
    'scheduler.pollSeconds=1000000',
    ...settings,
  ].flatMap((one) => ['--set', one])
  const key = await run(PROGRAM, ['keys', 'add', '--local', '--json', '--data-dir', directory])
  const { AccessKeyId, AccessKeySecret } = JSON.parse(key.stdout) as { AccessKeyId: string; AccessKeySecret: string }
  const serve = ['serve', '--data-dir', directory, ...sets]
  const [command, args] = processor === undefined ? [PROGRAM, serve] : pinned(processor, PROGRAM, serve)
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const url = await readyUrl(child)
  const env = {
    ...process.env,
    HOLDFAST_ENDPOINT: url,
    HOLDFAST_ACCESS_KEY_ID: AccessKeyId,
    HOLDFAST_ACCESS_KEY_SECRET: AccessKeySecret,
  }
  return {
    url,
    pid: child.pid ?? 0,
    key: { id: AccessKeyId, secret: AccessKeySecret },
    call: async (...args) =>
      JSON.parse((await run(PROGRAM, [...args, '--json'], { env, maxBuffer: 1 << 28 })).stdout || 'null'),
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** A command that the kernel keeps on one processor. */
export const pinned = (processor: number, command: string, args: readonly string[]): [string, string[]] => [
  'taskset',
  ['-c', String(processor), command, ...args],
]

/** The address in the line that says ready. What else it logs is read on, so that it never waits for us. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${text.slice(-2000)}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-20_000)
      const url = /"url":"([^"]+)"[^\n]*"msg":"ready"/.exec(text)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
}

export interface Taken {
  readonly set: string
  /** What it cost from the start of the command to its end. */
  readonly spent: Cost
  /** Seconds from the start to the end of the backup, by its manifest. */
  readonly ownSeconds: number
}

/** A service of our own over one server, as a user works with it: by the command line, through the API. */
export interface Protected extends AsyncDisposable {
  /** Takes a set with these options of `backups take`. */
  take(...options: string[]): Promise<Taken>
  remove(set: string): Promise<void>
  /** Bytes of all objects of a set. */
  stored(set: string): Promise<number>
  /** The path of an object of a set. */
  pathOf(set: string, file: string): Promise<string>
  /** Brings a physical set, and what it adds to, back by the local command, and waits until the database accepts connections. */
  restore(set: string, target: string): Promise<Cost>
}

/** Starts a service with its data in `directory` and registers the server. */
export async function protect(
  server: TestServer,
  directory: string,
  level: number,
  settings: readonly string[] = [],
): Promise<Protected> {
  const service = await startService(directory, [`worker.compressionLevel=${level}`, ...settings])
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, server.address.password ?? '', { mode: 0o600 })
  const node = `${server.address.host}:${server.address.port}`
  const login = ['--user', server.address.user, '--password-file', passwordFile, '--ssl-mode', 'disable']
  await service.call('instances', 'add', 'pg-bench', '--node', node, ...login)
  const find = async (set: string, name: string) => {
    const below = join(directory, 'store/sets')
    const { stdout } = await run('find', [below, '-path', `*/${set}/*`, '-name', name, '-type', 'f'])
    return stdout.trim().split('\n')
  }
  return {
    async take(...options) {
      let taken: unknown
      const spent = await cost(
        async () => {
          taken = await service.call('backups', 'take', 'pg-bench', ...options)
        },
        () => [service.pid],
      )
      const set = String((taken as { BackupId: string }).BackupId)
      const [path = ''] = await find(set, 'manifest.json')
      const { startedAt, endedAt } = JSON.parse(await readFile(path, 'utf8')) as { startedAt: number; endedAt: number }
      return { set, spent, ownSeconds: (endedAt - startedAt) / 1000 }
    },
    remove: async (set) => {
      await service.call('backups', 'remove', set)
    },
    stored: async (set) => {
      const files = await Promise.all((await find(set, '*')).map((path) => stat(path)))
      return files.reduce((sum, { size }) => sum + size, 0)
    },
    pathOf: async (set, file) => (await find(set, file))[0] ?? '',
    restore: (set, target) => bringBack(server, `file://${join(directory, 'store')}`, set, target),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}

async function bringBack(server: TestServer, store: string, set: string, target: string): Promise<Cost> {
  await rm(target, { recursive: true, force: true })
  const options = ['--bin-dir', server.binDirectory, ...(server.account ? ['--owner', server.account.name] : [])]
  const restore = await shell(
    `${PROGRAM} backups restore --store ${store} ${set} --to ${target} ${options.join(' ')} --json`,
  )
  const control = `${server.binDirectory}/pg_ctl -D ${target}/data`
  const start = await shell(`${control} -w -t 120 -l ${target}/log start >/dev/null`, runAs(server.account))
  await shell(`${control} -m immediate stop >/dev/null`, runAs(server.account))
  return {
    seconds: restore.seconds + start.seconds,
    cpuSeconds: restore.cpuSeconds + start.cpuSeconds,
    peakBytes: restore.peakBytes,
  }
}

/** Ourselves at one level, taking full sets: each takes the place of the one before it. */
export async function holdfast(
  server: TestServer,
  directory: string,
  level: number,
): Promise<Contender & AsyncDisposable> {
  const ours = await protect(server, directory, level)
  const target = join(server.directory, `restored-${level}`)
  let set = ''
  return {
    name: `Holdfast, level ${level}`,
    backup: async () => {
      if (set !== '') await ours.remove(set)
      const taken = await ours.take()
      set = taken.set
      return taken.spent
    },
    stored: () => ours.stored(set),
    restore: () => ours.restore(set, target),
    [Symbol.asyncDispose]: () => ours[Symbol.asyncDispose](),
  }
}

/** Ourselves taking sets with these options; each takes the place of the one before it, so that it adds to the same base again. */
export function takingRunner(ours: Protected, ...options: string[]): Runner & { ownSeconds(): readonly number[] } {
  const own: number[] = []
  let last: string | undefined
  return {
    name: 'Holdfast, level 1',
    ours: true,
    async run() {
      if (last !== undefined) await ours.remove(last)
      const { set, spent, ownSeconds } = await ours.take(...options)
      last = set
      own.push(ownSeconds)
      return spent
    },
    bytes: () => ours.stored(last ?? ''),
    ownSeconds: () => own.slice(1),
  }
}
