import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TASK_KINDS, type Task } from '../../src/core/task.ts'
import { silentLog } from '../../src/lib/log.ts'
import { readManifest } from '../../src/set/read.ts'
import { verifySet } from '../../src/set/verify.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { engineOf, LEASE_SECONDS, workerDeps } from '../crash/scene-parts.ts'
import { makeScene, type Scene } from '../crash/scene.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'

const SLOW = 1_500_000

suite('a backup of PostgreSQL 15 with a replica', () => {
  let primary: TestServer
  let replica: TestServer
  let scene: Scene
  let writing = true
  let load: Promise<void>

  before(async () => {
    primary = await startPostgres({ version: 15 })
    const row = `decode(string_agg(md5(g::text || n::text || random()::text), ''), 'hex')`
    await primary.query(`
      create table written (t text);
      create table ballast (n int, b bytea); alter table ballast alter b set storage external;
      insert into ballast select n, ${row} from generate_series(1, 2500) n, generate_series(1, 1000) g group by n`)
    replica = await startReplica(primary)
    scene = await makeScene({ kind: 'verify', contentBytes: 0, address: primary.address })
    await scene.next()
    await scene.catalog.updateInstance(scene.instanceId, { addNodes: [{ role: 'replica', address: replica.address }] })
    load = write()
  })
  after(async () => {
    writing = false
    await replica.query('select pg_wal_replay_resume()')
    await load
    await scene[Symbol.asyncDispose]()
    await replica[Symbol.asyncDispose]()
    await primary[Symbol.asyncDispose]()
  })

  /** The load: rows, again and again, whose WAL the replica has to replay. */
  async function write(): Promise<void> {
    while (writing) {
      await primary.query('insert into written select md5(g::text) from generate_series(1, 2000) g')
      await wait(50)
    }
  }

  const settings = (change: object) => scene.catalog.updateInstance(scene.instanceId, { settings: change })
  const pauseReplay = () => replica.query('select pg_wal_replay_pause()')
  const resumeReplay = () => replica.query('select pg_wal_replay_resume()')

  /** A backup that a worker takes, so slowly that there is time to look. */
  async function begun() {
    await settings({ maxBytesPerSecond: SLOW })
    const { id } = await scene.catalog.addTask({
      kind: 'take-backup',
      instanceId: scene.instanceId,
      request: { mode: 'Manual', type: 'FullBackup', method: 'Physical' },
    })
    const { catalog, store, clock } = scene
    const parts = { catalog, store, engine: await engineOf(scene, clock), clock, log: silentLog }
    const deps = workerDeps(scene.directory, `busy-${id}`, parts)
    const claimed = await catalog.claimTask(deps.name, TASK_KINDS, LEASE_SECONDS * 1000)
    assert.equal(claimed?.id, id)
    const done = doTask(claimed, deps, new AbortController().signal)
    const task = async (): Promise<Task> => (await catalog.task(id)) ?? assert.fail('the task is gone')
    const comesTo = (phase: string) =>
      eventually(async () => (await task()).progress.phase === phase, `the task is ${phase}`)
    await comesTo('streaming')
    return { done, task, comesTo }
  }

  /** Lets it run out, and looks at what it made. Gives the warnings that are kept with the set. */
  async function wholeAfter({ done, task }: Awaited<ReturnType<typeof begun>>): Promise<readonly string[]> {
    await settings({ maxBytesPerSecond: 0 })
    await done
    const ended = await task()
    assert.deepEqual([ended.state, ended.attempt, ended.reason], ['finished', 1, undefined])
    const set = await scene.catalog.set(ended.setId ?? '')
    const manifest = await readManifest(scene.store, set?.manifestKey ?? '')
    assert.deepEqual((await verifySet(scene.store, manifest)).damage, [])
    return manifest.warnings
  }

  /** Asserts that nothing moves while it lets the database be. */
  async function standsStill(task: () => Promise<Task>): Promise<void> {
    await wait(1500)
    const before = (await task()).progress.bytes
    await wait(3000)
    const { progress } = await task()
    assert.deepEqual([progress.phase, progress.bytes], ['backing-off', before])
  }

  test('lets it be while the replica falls behind under load, says so, and goes on when it has caught up', async () => {
    await settings({ backOffLagSeconds: 2 })
    const backup = await begun()
    await pauseReplay()
    await backup.comesTo('backing-off')
    const { reason } = await backup.task()
    assert.match(
      reason ?? '',
      /^waits for the database to be less busy since .*Z: a replica is \d+ s behind, the limit is 2 s$/,
    )
    await standsStill(backup.task)
    await resumeReplay()
    await backup.comesTo('streaming')
    assert.equal((await backup.task()).reason, undefined)
    assert.deepEqual(await wholeAfter(backup), [])
  })

  test('lets it be while commits wait, for a synchronous replica here, and goes on when they do not', async () => {
    await settings({ backOffLagSeconds: 0, backOffCommitMs: 400 })
    const backup = await begun()
    await pauseReplay()
    await primary.query(`alter system set synchronous_commit = 'remote_apply'`)
    await primary.query(`alter system set synchronous_standby_names = '*'`)
    await primary.query('select pg_reload_conf()')
    await backup.comesTo('backing-off')
    assert.match((await backup.task()).reason ?? '', /a commit takes \d+ ms, the limit is 400 ms$/)
    await standsStill(backup.task)
    await resumeReplay()
    await primary.query('alter system reset synchronous_standby_names')
    await primary.query('alter system reset synchronous_commit')
    await primary.query('select pg_reload_conf()')
    await backup.comesTo('streaming')
    assert.deepEqual(await wholeAfter(backup), [])
  })

  test('lets it be no longer than it may, then goes on whatever comes, and says so with the set', async () => {
    await settings({ backOffLagSeconds: 1, backOffCommitMs: 0, backOffMaxSeconds: 3 })
    const backup = await begun()
    await pauseReplay()
    await backup.comesTo('backing-off')
    await backup.comesTo('streaming')
    const warnings = await wholeAfter(backup)
    assert.deepEqual(warnings, ['the backup let its busy database be for 3 s in all, and then no more'])
    await resumeReplay()
  })

  test('is cancelled within seconds while it lets it be', async () => {
    await settings({ backOffLagSeconds: 1, backOffMaxSeconds: 3600 })
    const { done, task, comesTo } = await begun()
    await pauseReplay()
    await comesTo('backing-off')
    const { id } = await task()
    await scene.catalog.cancelTask(id)
    const asked = performance.now()
    await done
    assert.ok(performance.now() - asked < 6000)
    assert.equal((await task()).state, 'cancelled')
    await resumeReplay()
  })

  test('leaves no session behind', async () => {
    for (const server of [primary, replica]) {
      const sessions = `select pid from pg_stat_activity where application_name = 'holdfast'`
      await eventually(async () => (await server.query(sessions)).length === 0, 'no session of ours')
    }
  })
})
