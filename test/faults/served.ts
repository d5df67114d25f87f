import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeAddress } from '../../src/core/instance.ts'
import { clientEnv, type Ran, runHoldfast, type Serve, type ServeOptions, startServe } from '../lib/service.ts'

/** A set as `backups list --json` shows it. */
export interface Listed {
  readonly BackupId: string
  readonly BackupStatus: string
  readonly IsAvail: number
  readonly FailReason: string
  readonly DownloadLink: string | null
}

/** A service in a process of its own, and commands with its key. */
export interface Served extends AsyncDisposable {
  readonly serve: Serve
  readonly url: string
  readonly run: (...argv: readonly string[]) => Promise<Ran>
  readonly list: (instance: string) => Promise<Listed[]>
  /** Asserts that it still answers and has a worker. */
  readonly assertLives: () => Promise<void>
}

/** Quick leases and retries, so that a test need not wait for them. */
const QUICK = ['worker.leaseSeconds=2', 'worker.pollSeconds=0.2', 'worker.retrySeconds=0.1', 'worker.attempts=2']

export async function served(options: ServeOptions): Promise<Served> {
  const settings = QUICK.flatMap((setting) => ['--set', setting])
  const serve = startServe({ ...options, args: [...settings, ...(options.args ?? [])] })
  const url = await serve.url()
  const env = await clientEnv(options.directory, url)
  const run = (...argv: readonly string[]) => runHoldfast(argv, env)
  return {
    serve,
    url,
    run,
    list: async (instance) => {
      const { code, out, err } = await run('backups', 'list', instance, '--json')
      assert.equal(code, 0, err)
      return JSON.parse(out) as Listed[]
    },
    assertLives: async () => assert.equal((await fetch(`${url}/healthz`)).status, 200),
    [Symbol.asyncDispose]: () => serve[Symbol.asyncDispose](),
  }
}

/** Registers a server as an instance. */
export async function registerServer(
  { run }: Served,
  id: string,
  { host, port, user, password }: NodeAddress,
  passwordDirectory: string,
): Promise<void> {
  const file = join(passwordDirectory, 'password')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  const { code, err } = await run(
    'instances',
    'add',
    id,
    '--node',
    `${host}:${port}`,
    '--user',
    user,
    '--password-file',
    file,
  )
  assert.equal(code, 0, err)
}

/** What lies in a store below `sets` and among its drafts. */
export async function remains(store: string): Promise<string[]> {
  const below = async (name: string) =>
    (await readdir(join(store, name), { recursive: true }).catch(() => [])).map((each) => join(name, each))
  return [...(await below('sets')), ...(await below('~drafts'))]
}

/** The newest set of an instance, which must be Failed and have no link; gives its reason. */
export async function failedReason({ list }: Served, instance: string): Promise<string> {
  const [set] = await list(instance)
  assert.equal(set?.BackupStatus, 'Failed')
  assert.equal(set.IsAvail, 0)
  assert.equal(set.DownloadLink ?? '', '')
  return set.FailReason
}
