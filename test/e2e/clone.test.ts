import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { checksums, differences } from '../../quickstart/checksums.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { startService, type E2eService } from './service.ts'
import { register, take, type ListedSet } from './sets.ts'

interface Clone {
  readonly DBInstanceId: string
  readonly directory: string
  readonly dataDirectory: string
  readonly port: number
  readonly warnings: readonly string[]
}

interface Shown {
  readonly DBInstanceId: string
  readonly DBInstanceStatus: string
}

suite('clones through the whole service', () => {
  let server: TestServer
  let service: E2eService
  let set: ListedSet
  let clone: Clone

  const list = () => service.json<Shown[]>('instances', 'list')
  const statusOf = async (id: string) => (await list()).find((item) => item.DBInstanceId === id)?.DBInstanceStatus
  const places = async () => (await readdir(service.clones)).filter((name) => name.startsWith('holdfast-clone-'))
  const login = (port: number, database = 'postgres') => {
    const { user, password } = server.address
    return { host: '127.0.0.1', port, user, password, database }
  }
  const ask = async (port: number, sql: string) => {
    const client = new pg.Client(login(port))
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows[0]
    } finally {
      await client.end()
    }
  }
  const answers = (port: number) =>
    ask(port, 'select 1').then(
      () => true,
      () => false,
    )
  const postmasterOf = async ({ dataDirectory }: Clone) =>
    Number((await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0])

  before(async () => {
    server = await startPostgres({ version: 15, settings: { archive_mode: 'on', archive_command: 'false' } })
    service = await startService({ args: ['--set', 'worker.leaseSeconds=2', '--set', 'worker.pollSeconds=0.2'] })
    await register(service, 'orders', [server])
    await server.query('create table t as select g, md5(g::text) from generate_series(1, 200000) g')
    set = await take(service, 'orders')
  })
  after(async () => {
    for (const { DBInstanceId } of await list()) {
      if (DBInstanceId !== 'orders') await service.run('instances', 'release', DBInstanceId)
    }
    await service[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test('a clone holds every row of its source, touches nothing of it, and is an instance that is backed up', async () => {
    clone = await service.json<Clone>('instances', 'clone', set.BackupId, '--description', 'for a look')
    assert.deepEqual(clone.warnings, [])
    assert.equal(await statusOf(clone.DBInstanceId), 'Running')
    const source = { ...login(server.address.port), password: server.address.password ?? '' }
    const copy = { ...login(clone.port), password: server.address.password ?? '' }
    assert.deepEqual(differences(await checksums(source), await checksums(copy)), [])
    const settings = await ask(
      clone.port,
      `select current_setting('archive_mode') as archive_mode, current_setting('listen_addresses') as listen_addresses,
         pg_is_in_recovery() as recovering`,
    )
    assert.deepEqual(settings, { archive_mode: 'off', listen_addresses: '127.0.0.1', recovering: false })
    assert.equal((await take(service, clone.DBInstanceId)).IsAvail, 1)
  })

  test('the server of a clone outlives its worker, and is started again when it died', async () => {
    const pid = await postmasterOf(clone)
    const worker = await service.workerPid()
    process.kill(worker, 'SIGKILL')
    await eventually(async () => (await service.workerPid().catch(() => worker)) !== worker, 'another worker is there')
    assert.ok(await answers(clone.port))
    assert.equal(await postmasterOf(clone), pid)
    process.kill(pid, 'SIGKILL')
    await eventually(() => answers(clone.port), 'the clone runs again on its port')
    assert.notEqual(await postmasterOf(clone), pid)
    assert.equal((await ask(clone.port, 'select count(*)::int as n from t'))?.['n'], 200_000)
  })

  /** Asks for a clone while the worker stands still, so that a test can look at what has not begun. */
  async function askWhileStopped(worker: number): Promise<{ DBInstanceId: string; OrderId: string }> {
    process.kill(worker, 'SIGSTOP')
    return service.call('CloneDBInstance', { DBInstanceId: 'orders', BackupId: set.BackupId, PayType: 'Postpaid' })
  }

  test('a worker killed in the middle of a clone leaves nothing, and the clone is made by another attempt', async () => {
    const before = await places()
    const worker = await service.workerPid()
    const made = await askWhileStopped(worker)
    assert.equal(await statusOf(made.DBInstanceId), 'Creating')
    const early = await service.run('backups', 'take', made.DBInstanceId)
    assert.match(early.err, /is being made/)
    process.kill(worker, 'SIGCONT')
    await eventually(async () => (await places()).length > before.length, 'it is at work')
    process.kill(worker, 'SIGKILL')
    assert.equal(await statusOf(made.DBInstanceId), 'Creating')
    await eventually(async () => (await statusOf(made.DBInstanceId)) === 'Running', 'another attempt made it')
    await eventually(async () => (await places()).length === before.length + 1, 'the dead attempt is removed')
    assert.ok((await places()).includes(`holdfast-clone-${made.DBInstanceId}-${made.OrderId}-2`))
    const released = await service.run('instances', 'release', made.DBInstanceId)
    assert.equal(released.code, 0, released.err)
    assert.deepEqual(await places(), before)
  })

  test('a clone whose task is cancelled is gone, and so is what it wrote', async () => {
    const before = await places()
    const worker = await service.workerPid()
    const waiting = await askWhileStopped(worker)
    await service.call('CancelTask', { TaskId: waiting.OrderId })
    assert.equal(await statusOf(waiting.DBInstanceId), undefined)
    const made = await askWhileStopped(worker)
    process.kill(worker, 'SIGCONT')
    await eventually(async () => (await places()).length > before.length, 'it is at work')
    process.kill(worker, 'SIGSTOP')
    await service.call('CancelTask', { TaskId: made.OrderId })
    process.kill(worker, 'SIGCONT')
    await eventually(async () => (await statusOf(made.DBInstanceId)) === undefined, 'the instance is gone')
    assert.deepEqual(await places(), before)
  })

  test('a login that was changed since the set was taken is told, and the clone runs', async () => {
    await server.query(`alter role postgres password 'another'`)
    const file = join(service.restoreRoot, '..', 'changed')
    await writeFile(file, 'another\n', { mode: 0o600 })
    await service.json('instances', 'nodes', 'login', 'orders', set.HostInstanceID, '--password-file', file)
    const made = await service.json<Clone>('instances', 'clone', set.BackupId, '--instance', 'orders')
    assert.equal(made.warnings.length, 1)
    assert.match(made.warnings[0] ?? '', /cannot be backed up: .*passwords of the set.*ModifyDBInstanceNodes/)
    assert.ok(!JSON.stringify(made).includes('another'))
    assert.equal(await statusOf(made.DBInstanceId), 'Running')
    assert.ok(await answers(made.port), 'it has the password of its set')
    assert.equal((await service.run('instances', 'release', made.DBInstanceId)).code, 0)
  })

  test('a released clone is ended, its files are gone, its sets stay, and only a clone can be released', async () => {
    const refused = await service.run('instances', 'release', 'orders')
    assert.notEqual(refused.code, 0)
    assert.match(refused.err, /not made by CloneDBInstance/)
    assert.equal((await service.run('instances', 'release', clone.DBInstanceId)).code, 0)
    assert.deepEqual(await places(), [])
    assert.equal(await answers(clone.port), false)
    assert.equal(await statusOf(clone.DBInstanceId), undefined)
    assert.equal((await service.json<ListedSet[]>('backups', 'list', clone.DBInstanceId)).length, 1)
  })
})
