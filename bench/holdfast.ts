import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestServer } from '../test/lib/postgres.ts'
import { runAs } from '../quickstart/account.ts'
import type { Contender } from './backup-peers.ts'
import { cost, shell } from './measure.ts'

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

/** Ourselves at one level: a set taken through the API by the command line, and brought back by the local command. */
export async function holdfast(
  server: TestServer,
  directory: string,
  level: number,
): Promise<Contender & AsyncDisposable> {
  const service = await startService(directory, [`worker.compressionLevel=${level}`])
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, server.address.password ?? '', { mode: 0o600 })
  const node = `${server.address.host}:${server.address.port}`
  const login = ['--user', server.address.user, '--password-file', passwordFile, '--ssl-mode', 'disable']
  await service.call('instances', 'add', 'pg-bench', '--node', node, ...login)
  const target = join(server.directory, `restored-${level}`)
  let set = ''
  return {
    name: `Holdfast, level ${level}`,
    backup: async () => {
      if (set !== '') await service.call('backups', 'remove', set)
      const taken: { set?: unknown } = {}
      const spent = await cost(
        async () => {
          taken.set = await service.call('backups', 'take', 'pg-bench')
        },
        () => [service.pid],
      )
      set = String((taken.set as { BackupId: string }).BackupId)
      return spent
    },
    stored: async () => {
      const found = await run('find', [join(directory, 'store/sets'), '-path', `*/${set}/*`, '-type', 'f'])
      const sizes = await Promise.all(
        found.stdout
          .trim()
          .split('\n')
          .map(async (path) => (await stat(path)).size),
      )
      return sizes.reduce((sum, size) => sum + size, 0)
    },
    restore: async () => {
      await rm(target, { recursive: true, force: true })
      const store = `file://${join(directory, 'store')}`
      const owner = server.account ? ['--owner', server.account.name] : []
      const started = `${server.binDirectory}/pg_ctl -D ${target}/data -w -t 120 -l ${target}/log start >/dev/null`
      const restore = await shell(
        `${PROGRAM} backups restore --store ${store} ${set} --to ${target} ${owner.join(' ')} --json`,
      )
      const start = await shell(started, runAs(server.account))
      await shell(`${server.binDirectory}/pg_ctl -D ${target}/data -m immediate stop >/dev/null`, runAs(server.account))
      return {
        seconds: restore.seconds + start.seconds,
        cpuSeconds: restore.cpuSeconds + start.cpuSeconds,
        peakBytes: restore.peakBytes,
      }
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  }
}
