import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TASK_KINDS, type Task } from '../../src/core/task.ts'
import { silentLog } from '../../src/lib/log.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { hurriedClock } from '../cancel/stepping.ts'
import { sweepTwice } from '../crash/recover.ts'
import { engineOf, LEASE_SECONDS, placesOf, workerDeps } from '../crash/scene-parts.ts'
import { makeScene, type Scene } from '../crash/scene.ts'
import { violationsOf } from '../crash/violations.ts'
import { eventually } from '../lib/eventually.ts'
import { type Mood, outageStore } from '../lib/outage-store.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'

/** How much faster the worker's seconds pass; those of the server and of the engine do not. */
const FACTOR = 20

suite('a backup of PostgreSQL 15 whose store fails for a while', () => {
  let server: TestServer
  let scene: Scene

  before(async () => {
    server = await startPostgres({ version: 15, settings: { wal_sender_timeout: '1s', max_wal_size: '2GB' } })
    const row = `decode(string_agg(md5(g::text || n::text || random()::text), ''), 'hex')`
    await server.query(`
      create table ballast (n int, b bytea); alter table ballast alter b set storage external;
      insert into ballast select n, ${row} from generate_series(1, 2000) n, generate_series(1, 1000) g group by n`)
    scene = await makeScene({ kind: 'verify', contentBytes: 0, address: server.address })
    await scene.next()
  })
  after(async () => {
    await scene[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  /** A backup that a worker takes into a moody store, which falls into `mood` when so many bytes have streamed. */
  async function begun(method: 'Physical' | 'Logical', mood: Mood, fallsAt = 8_000_000) {
    const { id } = await scene.catalog.addTask({
      kind: 'take-backup',
      instanceId: scene.instanceId,
      request: { mode: 'Manual', type: 'FullBackup', method },
    })
    const moody = outageStore(scene.store)
    const engine = await engineOf(scene, scene.clock)
    const watched: typeof engine = {
      ...engine,
      backup: (node, request, sink, options) => {
        let fallen = false
        return engine.backup(node, request, sink, {
          ...options,
          onProgress: (progress) => {
            options?.onProgress?.(progress)
            if (fallen || progress.bytes < fallsAt) return
            fallen = true
            moody.become(mood)
          },
        })
      },
    }
    const clock = hurriedClock(scene.clock, FACTOR)
    const parts = { catalog: scene.catalog, store: moody.store, engine: watched, clock, log: silentLog }
    const deps = workerDeps(scene.directory, `outage-${id}`, parts)
    const claimed = await scene.catalog.claimTask(deps.name, TASK_KINDS, LEASE_SECONDS * 1000)
    assert.equal(claimed?.id, id)
    const done = doTask(claimed, deps, new AbortController().signal)
    const task = async (): Promise<Task> => (await scene.catalog.task(id)) ?? assert.fail('the task is gone')
    const waits = () =>
      eventually(async () => (await task()).progress.phase === 'awaiting-store', 'the task waits for its store')
    return { id, moody, done, task, waits }
  }

  const settings = (change: object) => scene.catalog.updateInstance(scene.instanceId, { settings: change })
  const slots = () => server.query('select slot_name from pg_replication_slots')

  for (const method of ['Physical', 'Logical'] as const) {
    for (const mood of ['refuses', 'hangs'] as const) {
      test(`goes on where it was when the store that ${mood} comes back, and says meanwhile what it waits for (${method})`, async () => {
        const { moody, done, task, waits } = await begun(method, mood)
        await waits()
        const { reason } = await task()
        assert.match(reason ?? '', /^waits for the store since 20\d\d-.*Z: /)
        assert.match(reason ?? '', mood === 'refuses' ? /put .*: connection refused/ : /takes nothing/)
        const read = async () => (await task()).progress.bytes
        await eventually(async () => {
          const before = await read()
          await wait(700)
          return before === (await read())
        }, 'nothing is read that has no room')
        const kept = await read()
        // More than the server waits for a walsender to say something.
        await wait(2500)
        assert.equal(await read(), kept, 'nor later')
        assert.ok(moody.asked <= 2, `${moody.asked} pieces in hand`)
        moody.become('up')
        await done
        const ended = await task()
        assert.deepEqual([ended.state, ended.attempt, ended.reason], ['finished', 1, undefined])
        assert.deepEqual(await slots(), [])
      })
    }
  }

  for (const mood of ['refuses', 'hangs'] as const) {
    test(`is cancelled as quickly as ever while it waits for a store that ${mood}`, async () => {
      const { id, moody, done, task, waits } = await begun('Physical', mood)
      await waits()
      await scene.catalog.cancelTask(id)
      const asked = performance.now()
      // What it wrote is cleared away, which the store must let it do.
      moody.become('up')
      await done
      assert.ok(performance.now() - asked < 3000)
      assert.deepEqual(
        [(await task()).state, await scene.catalog.set((await task()).setId ?? '')],
        ['cancelled', undefined],
      )
      assert.deepEqual(await slots(), [])
    })
  }

  test('fails its attempt after the time that the instance allows, tells why, and is tried again', async () => {
    await settings({ maxStoreWaitSeconds: 60 })
    const { moody, done, task } = await begun('Physical', 'refuses')
    await done
    const waiting = await task()
    assert.equal(waiting.state, 'waiting')
    assert.match(waiting.reason ?? '', /waited 60 s for the store: put .*connection refused/)
    assert.deepEqual(await slots(), [])
    moody.become('up')
    await eventually(() => scene.next(), 'the next attempt')
    assert.deepEqual([(await task()).state, (await task()).attempt], ['finished', 2])
  })

  test('that hangs fails its attempt just so', async () => {
    const { done, task } = await begun('Physical', 'hangs')
    await done
    assert.match((await task()).reason ?? '', /waited 60 s for the store: it takes nothing/)
    await eventually(() => scene.next(), 'the next attempt')
    assert.equal((await task()).state, 'finished')
    await settings({ maxStoreWaitSeconds: 900 })
  })

  test('ends before the server keeps more WAL than the instance allows, however long it might wait', async () => {
    await settings({ maxStoreWaitSeconds: 86_400, maxKeptWalBytes: 100_000_000 })
    const { done, task, waits } = await begun('Physical', 'refuses')
    await waits()
    await server.query('create table wal as select g, repeat(md5(g::text), 20) from generate_series(1, 130000) g')
    await done
    assert.match((await task()).reason ?? '', /keeps \d+ bytes of WAL for it, the limit is 100000000/)
    assert.deepEqual(await slots(), [])
    await settings({ maxStoreWaitSeconds: 900, maxKeptWalBytes: 2 ** 36 })
    await eventually(() => scene.next(), 'the next attempt')
    assert.equal((await task()).state, 'finished')
  })

  test('is begun anew only when the connection to the database breaks, and the task says so', async () => {
    const { moody, done, task, waits } = await begun('Physical', 'refuses')
    await waits()
    await server.query(`select pg_terminate_backend(active_pid) from pg_replication_slots`)
    moody.become('up')
    await done
    const waiting = await task()
    assert.deepEqual([waiting.state, waiting.attempt], ['waiting', 1])
    assert.match(waiting.reason ?? '', /the connection broke|closed the connection|terminating connection/)
    await eventually(() => scene.next(), 'the next attempt')
    assert.deepEqual([(await task()).state, (await task()).attempt], ['finished', 2])
  })

  test('leaves no garbage by any of it, and every set is whole', async () => {
    await sweepTwice(scene)
    const { catalog, store, instanceId } = scene
    const { storeDirectory } = placesOf(scene.directory)
    assert.deepEqual(await violationsOf({ catalog, store, storeDirectory, instanceIds: [instanceId] }), [])
  })
})
