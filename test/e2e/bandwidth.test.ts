import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { eventually } from '../lib/eventually.ts'
import { type E2eService, startService } from './service.ts'
import { download, register } from './sets.ts'

/** Bytes of the databases that do not compress. */
const BALLAST = 40_000_000

interface Job {
  readonly BackupJobId: string
  readonly BackupStatus: string
}

suite('bandwidth', () => {
  const servers: TestServer[] = []
  let service: E2eService

  before(async () => {
    service = await startService({ args: ['--set', 'worker.concurrency=2'] })
    for (const id of ['pgm-a', 'pgm-b']) {
      // A server that hears nothing for so long ends a walsender; one that may not send does not wait for us.
      const server = await startPostgres({ version: 15, settings: { wal_sender_timeout: '2s' } })
      servers.push(server)
      const row = `decode(string_agg(md5(g::text || n::text || random()::text), ''), 'hex')`
      await server.query(`
        create table ballast (n int, b bytea); alter table ballast alter b set storage external;
        insert into ballast select n, ${row} from generate_series(1, ${BALLAST / 16_000}) n, generate_series(1, 1000) g group by n`)
      await register(service, id, [server])
    }
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    for (const server of servers) await server[Symbol.asyncDispose]()
  })

  const drafts = () => join(service.storeDirectory, '~drafts')

  /** Bytes that lie half-written in the store. */
  async function written(): Promise<number> {
    const names = await readdir(drafts()).catch(() => [])
    const sizes = await Promise.all(names.map((name) => stat(join(drafts(), name)).catch(() => ({ size: 0 }))))
    return sizes.reduce((sum, { size }) => sum + size, 0)
  }

  /** Bytes a second that come into the store now, over a few seconds. */
  async function rate(seconds = 4): Promise<number> {
    const [from, at] = [await written(), performance.now()]
    await wait(seconds * 1000)
    return ((await written()) - from) / ((performance.now() - at) / 1000)
  }

  async function residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${await service.workerPid()}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  const taken = async (id: string) => (await service.json<Job>('backups', 'take', id, '--no-wait')).BackupJobId
  const cancel = async (job: string) => {
    await service.run('tasks', 'cancel', job)
    await eventually(async () => (await written()) === 0, 'the cancelled backup is gone')
  }

  test('of the service is shared by the backups that run, and changes while they do', async () => {
    assert.equal((await service.run('service', 'set', '--bandwidth', '1000000')).code, 0)
    const jobs = [await taken('pgm-a'), await taken('pgm-b')]
    await eventually(async () => (await written()) > 3_000_000, 'both backups stream')
    const slow = await rate(6)
    assert.ok(slow > 600_000 && slow < 1_350_000, `${slow} bytes a second of 1000000`)
    await service.run('service', 'set', '--bandwidth', '4000000')
    await wait(4000)
    const fast = await rate(3)
    assert.ok(fast > 2_500_000 && fast < 5_000_000, `${fast} bytes a second of 4000000`)
    await service.run('service', 'set', '--bandwidth', '0')
    for (const job of jobs) await cancel(job)
  })

  test('of an instance slows its backup down for longer than its server waits for anybody, and the set is whole', async () => {
    assert.equal((await service.run('instances', 'set', 'pgm-a', '--bandwidth', '500000')).code, 0)
    await taken('pgm-a')
    await eventually(async () => (await written()) > 1_000_000, 'the backup streams')
    const resident = await residentBytes()
    const slow = await rate(8)
    const grown = (await residentBytes()) - resident
    assert.ok(grown < 30_000_000, `the worker grew by ${grown} bytes`)
    assert.ok(slow > 250_000 && slow < 800_000, `${slow} bytes a second of 500000`)
    await service.run('instances', 'set', 'pgm-a', '--bandwidth', '0')
    const listed = () => service.json<Parameters<typeof download>[1][]>('backups', 'list', 'pgm-a')
    await eventually(async () => (await listed())[0]?.BackupStatus === 'Success', 'the set is there')
    const [set] = await listed()
    assert.ok(set && set.BackupSize > BALLAST)
    await download(service, set)
    const verified = await service.run('backups', 'verify', set.BackupId)
    assert.equal(verified.code, 0, verified.err)
  })

  test('that is no number, or too little to move a set at all, is refused by name', async () => {
    for (const value of ['1', '1e6', '-5', '5M']) {
      const { code, err } = await service.run('service', 'set', '--bandwidth', value)
      assert.equal(code, 2, err)
      assert.match(err, /MaxBytesPerSecond/)
    }
    assert.equal((await service.run('instances', 'set', 'pgm-a')).code, 2)
  })
})
