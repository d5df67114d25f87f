import assert from 'node:assert/strict'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { startService, type E2eService } from './service.ts'
import { manifestOf, register, type ListedSet } from './sets.ts'

interface Listed extends ListedSet {
  readonly IsAvail: number
  readonly FailReason: string
  readonly DrilledTime: string
  readonly VerifiedTime: string
}

interface Drilled {
  readonly databases: { name: string; check: string; tables: { name: string; rows: number }[] }[]
  readonly pageChecksums: string
}

interface RaisedAlert {
  readonly Kind: string
  readonly Subject: string
  readonly What: string
  readonly ResolvedTime: string
}

/** Turns one bit in the middle of a file. */
async function flipBit(file: string): Promise<void> {
  await using handle = await open(file, 'r+')
  const at = Math.floor((await handle.stat()).size / 2)
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 4]), 0, 1, at)
}

suite('drills through the whole service', () => {
  let server: TestServer
  let service: E2eService
  let scratch: string
  let chain: [Listed, Listed]

  const drill = (set: ListedSet) => service.run('backups', 'drill', set.BackupId, '--json')
  const shown = (set: ListedSet) => service.json<Listed>('backups', 'show', set.BackupId)
  const take = (type: string) => service.json<Listed>('backups', 'take', 'orders', '--type', type)
  const fileOf = async (set: ListedSet) =>
    join(service.storeDirectory, (await manifestOf(service, set)).parts[0]?.key ?? '')
  const alertsOf = async (kind: string) =>
    (await service.json<RaisedAlert[]>('alerts', 'list')).filter(({ Kind }) => Kind === kind)

  before(async () => {
    server = await startPostgres({ version: 18, settings: { summarize_wal: 'on' } })
    service = await startService({
      args: [
        'alerts.lookSeconds=0.2',
        'alerts.settleSeconds=0.2',
        'alerts.storeFreePercent=0',
        'worker.leaseSeconds=3',
      ].flatMap((setting) => ['--set', setting]),
    })
    scratch = join(dirname(service.restoreRoot), 'drills')
    await register(service, 'orders', [server])
    await server.query(
      'create table t as select g, md5(g::text) from generate_series(1, 50000) g; create index on t (md5)',
    )
    const full = await take('full')
    await server.query('update t set md5 = g::text where g < 500; create table late as select 1 as a')
    chain = [full, await take('incremental')]
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test('an increment comes back with every row, and DescribeBackups says when', async () => {
    const [full, increment] = chain
    const { code, out, err } = await drill(increment)
    assert.equal(code, 0, err)
    const { databases, pageChecksums } = JSON.parse(out) as Drilled
    assert.equal(pageChecksums, 'passed')
    const tables = databases
      .find(({ name }) => name === 'postgres')
      ?.tables.filter(({ name }) => name.startsWith('public.'))
    assert.deepEqual(tables, [
      { name: 'public.late', rows: 1 },
      { name: 'public.t', rows: 50_000 },
    ])
    assert.ok((await shown(increment)).DrilledTime !== '')
    assert.equal((await shown(full)).DrilledTime, '')
    assert.deepEqual(await readdir(scratch), [])
  })

  test('a worker killed in the middle of a drill leaves nothing, and the drill is done again', async () => {
    const { TaskId } = await service.call<{ TaskId: string }>('DrillBackup', {
      DBInstanceId: 'orders',
      BackupId: chain[0].BackupId,
    })
    await eventually(
      async () => (await readdir(scratch)).some((name) => name.endsWith(`-${TaskId}-1`)),
      'it is at work',
    )
    process.kill(await service.workerPid(), 'SIGKILL')
    await eventually(async () => (await shown(chain[0])).DrilledTime !== '', 'it is done by another attempt')
    assert.deepEqual(await readdir(scratch), [])
  })

  test('one bit turned in a set of the chain is found by drill and verification, named, shown, and alerted', async () => {
    const [full, increment] = chain
    const file = await fileOf(full)
    await flipBit(file)
    const { code, err } = await drill(increment)
    assert.equal(code, 19, err)
    assert.match(err, new RegExp(`part data of set ${full.BackupId}`))
    const after = await shown(increment)
    assert.equal(after.IsAvail, 0)
    assert.match(after.FailReason, new RegExp(`part data of set ${full.BackupId}`))
    await eventually(async () => (await alertsOf('drill-failed')).length === 1, 'the alert is raised')
    const [alert] = await alertsOf('drill-failed')
    assert.equal(alert?.Subject, 'orders')
    assert.ok(alert.What.includes(`set ${increment.BackupId}`), alert.What)
    const verified = await service.run('backups', 'verify', increment.BackupId)
    assert.equal(verified.code, 19)
    assert.match(verified.err, new RegExp(`set ${full.BackupId}, which it needs: part data`))
    assert.equal((await shown(full)).IsAvail, 0)
    await flipBit(file)
  })

  test('a verification takes back what it found, and only a drill what a drill found', async () => {
    const [full, increment] = chain
    assert.equal((await service.run('backups', 'verify', increment.BackupId)).code, 0)
    assert.deepEqual([(await shown(full)).IsAvail, (await shown(increment)).IsAvail], [1, 0])
    assert.equal((await drill(increment)).code, 0)
    assert.equal((await shown(increment)).IsAvail, 1)
    await eventually(
      async () => (await alertsOf('drill-failed')).every(({ ResolvedTime }) => ResolvedTime !== ''),
      'the alert is over',
    )
  })

  test('a member of the chain that is gone is found by the drill and named', async () => {
    const [full, increment] = chain
    const file = await fileOf(full)
    await rename(file, `${file}.away`)
    const { code, err } = await drill(increment)
    assert.equal(code, 19, err)
    assert.match(err, new RegExp(`part data of set ${full.BackupId}.*missing`))
    assert.equal((await shown(increment)).IsAvail, 0)
    await rename(`${file}.away`, file)
    assert.equal((await drill(increment)).code, 0)
  })

  test('a drill that cannot be done fails with the reason, says nothing of the set, and is alerted', async () => {
    await rm(scratch, { recursive: true })
    await open(scratch, 'w').then((handle) => handle.close())
    const { code, err } = await drill(chain[0])
    assert.notEqual(code, 0)
    assert.match(err, /scratch directory/)
    assert.equal((await shown(chain[0])).IsAvail, 1)
    await eventually(
      async () => (await alertsOf('drill-failed')).some(({ ResolvedTime }) => ResolvedTime === ''),
      'it is alerted',
    )
  })
})
