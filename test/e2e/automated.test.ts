import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openKeyFile } from '../../src/lib/seal.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { startService, type E2eOptions, type E2eService } from './service.ts'
import { compare, manifestOf, register, withRestored, type ListedSet } from './sets.ts'

const HOUR = 3_600_000
const OPTIONS: E2eOptions = { args: ['--set', 'scheduler.pollSeconds=0.2', '--set', 'worker.leaseSeconds=2'] }

interface AutomatedSet extends ListedSet {
  readonly BackupMode: string
  readonly BackupInitiator: string
}

let server: TestServer
let service: E2eService
before(async () => {
  // An automated backup lets the server take its time for the checkpoint that it begins with: minutes, unless told otherwise.
  server = await startPostgres({ version: 18, settings: { checkpoint_completion_target: '0' } })
  await server.query('create table t as select g, md5(g::text) as m from generate_series(1, 50000) g')
  service = await startService(OPTIONS)
})
after(async () => {
  await service[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const automated = async (from: E2eService, id: string): Promise<readonly AutomatedSet[]> => {
  const parameters = { DBInstanceId: id, BackupMode: 'Automated' }
  const reply = await from.call<{ Items: { Backup: AutomatedSet[] } }>('DescribeBackups', parameters)
  return reply.Items.Backup
}

async function inCatalog<T>(use: (catalog: Catalog) => Promise<T>): Promise<T> {
  const sealer = await openKeyFile(join(service.dataDirectory, 'key'), (message) => new Error(message))
  const url = `sqlite:${join(service.dataDirectory, 'catalog.db')}`
  const catalog = await openCatalog({ url, sealer, clock: systemClock, log: silentLog, migrate: false })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}

/** Gives an instance a policy of a backup an hour, as if it had had it for over an hour. */
const askHourly = (id: string) =>
  inCatalog((catalog) => {
    const schedule = { ...DEFAULT_POLICY.schedule, weekly: { days: [], from: 0, to: 60 }, everyMinutes: 60 }
    return catalog.changePolicy(id, (policy) => ({ ...policy, schedule }), { at: systemClock.now() - 1.5 * HOUR })
  })

const backupsAsked = (id: string) =>
  inCatalog(async (catalog) => (await catalog.tasks({ instanceId: id, kind: 'take-backup' })).length)

test('a service that is left alone takes the backup that a policy asks for, and it comes back whole', async () => {
  await register(service, 'alone', [server])
  await askHourly('alone')
  await eventually(async () => (await automated(service, 'alone')).length > 0, 'an automated backup')
  const [set, ...more] = await automated(service, 'alone')
  assert.ok(set)
  assert.deepEqual(more, [])
  assert.deepEqual([set.BackupStatus, set.BackupMode, set.BackupInitiator], ['Success', 'Automated', 'System'])
  assert.equal((await manifestOf(service, set)).mode, 'Automated')
  await withRestored(service, set, async (started) => assert.deepEqual(await compare(server, started), []))
})

test('a worker that is killed while it takes one, and again after it, makes no second', async () => {
  await register(service, 'killed', [server])
  await askHourly('killed')
  await eventually(async () => (await backupsAsked('killed')) > 0, 'an automated backup is asked for')
  process.kill(await service.workerPid(), 'SIGKILL')
  await eventually(async () => (await automated(service, 'killed')).length > 0, 'the backup is taken')
  process.kill(await service.workerPid(), 'SIGKILL')
  const restarts = () => service.log().filter(({ msg, role }) => role === 'worker' && /sweep|task started/.test(msg))
  const before = restarts().length
  await askSweep()
  await eventually(async () => restarts().length > before, 'the worker is at work again')
  await wait(1000)
  assert.deepEqual(
    (await automated(service, 'killed')).map(({ BackupStatus }) => BackupStatus),
    ['Success'],
  )
  assert.equal(await backupsAsked('killed'), 1)
})

/** Something to do, so that it is seen when a worker is back. */
const askSweep = () => inCatalog((catalog) => catalog.ensureTask({ kind: 'sweep', request: {} }))
