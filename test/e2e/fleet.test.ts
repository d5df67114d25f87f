import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { checksums, differences } from '../../quickstart/checksums.ts'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { embeddedPostgres } from '../../quickstart/embedded-postgres.ts'
import { signV1 } from '../../src/api/signature-v1.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { isoSeconds } from '../../src/lib/time.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { runProgram, spawnServe } from './service.ts'
import type { ListedSet } from './sets.ts'

type Process = ReturnType<typeof spawnServe>

/** Two processes that answer and two that work, each with a data directory of its own, over one catalog in PostgreSQL, one store, one key file. */
interface Fleet extends AsyncDisposable {
  readonly server: TestServer
  readonly restoreRoot: string
  readonly owner: Awaited<ReturnType<typeof databaseAccount>>
  readonly apis: readonly string[]
  readonly workers: readonly Process[]
  readonly key: { readonly id: string; readonly secret: string }
  /** Runs a command against one of the two that answer, and gives the JSON it prints. */
  json<T>(api: number, ...argv: readonly string[]): Promise<T>
}

async function startFleet(): Promise<Fleet> {
  await using stack = new AsyncDisposableStack()
  const owner = await databaseAccount()
  const embedded = stack.use(await embeddedPostgres(owner))
  const server = stack.use(await startPostgres({ version: 18 }))
  await server.query('create database holdfast_catalog')
  const directory = await makeDirectoryFor(owner, 'holdfast-fleet-', '/tmp')
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  const restoreRoot = join(directory, 'restored')
  await mkdir(restoreRoot)
  await giveTo(restoreRoot, owner)
  const { host, port, user, password = '' } = server.address
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  const settings = {
    'catalog.url': `postgres://${user}@${host}:${port}/holdfast_catalog`,
    'catalog.passwordFile': passwordFile,
    keyFile: join(directory, 'key'),
    'store.url': `file://${join(directory, 'store')}`,
    'restore.roots': restoreRoot,
    'restore.binDirs': embedded.binDirectory,
    ...(owner ? { 'restore.owner': owner.name } : {}),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const made = await runProgram(['keys', 'add', '--local', '--data-dir', join(directory, 'keys'), ...args, '--json'])
  assert.equal(made.code, 0, made.err)
  const key = JSON.parse(made.out) as { AccessKeyId: string; AccessKeySecret: string }
  const start = (name: string, role: string) => {
    const process = spawnServe(join(directory, name), [...args, '--role', role])
    stack.defer(async () => void (await process.stop()))
    return process
  }
  const apis = await Promise.all(['api 1', 'api 2'].map((name) => start(name, 'api').url()))
  const workers = ['worker 1', 'worker 2'].map((name) => start(name, 'worker'))
  await Promise.all(workers.map((worker) => worker.url()))
  const held = stack.move()
  return {
    server,
    restoreRoot,
    owner,
    apis,
    workers,
    key: { id: key.AccessKeyId, secret: key.AccessKeySecret },
    async json<T>(api: number, ...argv: readonly string[]) {
      const { code, out, err } = await runProgram([...argv, '--json'], {
        HOLDFAST_ENDPOINT: apis[api] ?? '',
        HOLDFAST_ACCESS_KEY_ID: key.AccessKeyId,
        HOLDFAST_ACCESS_KEY_SECRET: key.AccessKeySecret,
      })
      assert.equal(code, 0, err)
      return JSON.parse(out) as T
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

suite('a fleet over a catalog in PostgreSQL', () => {
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet()
    await fleet.server.query('create table t as select g, md5(g::text) as m from generate_series(1, 20000) g')
  })
  after(async () => fleet[Symbol.asyncDispose]())

  async function register(api: number, id: string): Promise<void> {
    const { host, port, user, password = '' } = fleet.server.address
    const file = join(fleet.restoreRoot, '..', 'login')
    await writeFile(file, `${password}\n`, { mode: 0o600 })
    await fleet.json(api, 'instances', 'add', id, '--node', `${host}:${port}`, '--user', user, '--password-file', file)
  }

  test('what one process was told, every other knows, and its links lead through each', async () => {
    await register(0, 'one')
    await register(1, 'two')
    const taken = await Promise.all([
      fleet.json<ListedSet>(1, 'backups', 'take', 'one'),
      fleet.json<ListedSet>(0, 'backups', 'take', 'two'),
    ])
    const [listed] = await fleet.json<ListedSet[]>(0, 'backups', 'list', 'one')
    assert.deepEqual([listed?.BackupId, listed?.BackupStatus], [taken[0].BackupId, 'Success'])
    const link = new URL(listed?.DownloadLink ?? '')
    for (const api of fleet.apis) {
      const reply = await fetch(new URL(link.pathname + link.search, api))
      assert.equal(reply.status, 200)
      assert.equal((await reply.arrayBuffer()).byteLength, listed?.BackupSize)
    }
  })

  test('a set that one worker took, another restores, when the first is gone', async () => {
    const [listed] = await fleet.json<ListedSet[]>(1, 'backups', 'list', 'one')
    assert.equal(await fleet.workers[0]?.stop(), 0)
    const to = join(fleet.restoreRoot, 'one')
    type Restored = Parameters<typeof startRestored>[0]
    const restored = await fleet.json<Omit<Restored, 'superuser'>>(
      0,
      'backups',
      'restore',
      listed?.BackupId ?? '',
      '--to',
      to,
    )
    await using started = await startRestored({ ...restored, superuser: 'postgres' }, { owner: fleet.owner })
    const { host, port, user, password } = fleet.server.address
    const source = await checksums({ host, port, user, password, database: 'postgres' })
    const { address } = started
    const copy = await checksums({ host: address.host, port: address.port, user: address.user, database: 'postgres' })
    const own = differences(source, copy).filter((what) => !what.includes('holdfast_catalog'))
    assert.deepEqual(own, [])
  })

  test('a call that one process has answered is refused by the other', async () => {
    const parameters: Record<string, string> = {
      Action: 'CreateAccessKey',
      Format: 'JSON',
      Version: '2014-08-15',
      AccessKeyId: fleet.key.id,
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: randomUUID(),
      Timestamp: isoSeconds(Date.now()),
    }
    const Signature = signV1({ method: 'POST', parameters: Object.entries(parameters) }, fleet.key.secret)
    const body = new URLSearchParams({ ...parameters, Signature })
    const send = async (api = '') => {
      const reply = await fetch(api, { method: 'POST', body })
      return [reply.status, ((await reply.json()) as { Code?: string }).Code]
    }
    assert.deepEqual(await send(fleet.apis[0]), [200, undefined])
    assert.deepEqual(await send(fleet.apis[1]), [400, 'SignatureNonceUsed'])
  })
})
