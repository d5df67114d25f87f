import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import { silentLog } from '../../src/lib/log.ts'
import { runSchedule } from '../../src/scheduler/run-schedule.ts'
import { readManifest } from '../../src/set/read.ts'
import { workerWorld, type WorldOptions } from '../lib/worker-world.ts'

const SETS = { instanceId: 'pgm-1', offset: 0, limit: 30 }
const HOUR = 3_600_000

/** A world with a scheduler in it, and a policy that asks for a backup at two each night. */
async function scheduledWorld(options: WorldOptions = {}) {
  const world = await workerWorld(options)
  const { catalog, clock } = world
  const stop = new AbortController()
  const schedule = { ...DEFAULT_POLICY.schedule, cron: { expression: '0 2 * * *', timeZone: 'UTC' } }
  await catalog.changePolicy('pgm-1', (policy) => ({ ...policy, schedule }), { at: clock.now() })
  const ended = runSchedule({ catalog, clock, log: silentLog, pollSeconds: 10, wake: () => {} }, stop.signal)
  return {
    ...world,
    /** Lets time pass until the scheduler has looked. */
    async pass(ms: number) {
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(ms)
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
      await world[Symbol.asyncDispose]()
    },
  }
}

test('an automated backup says that it is one, in the catalog and in its manifest', async () => {
  await using world = await scheduledWorld()
  await world.pass(HOUR)
  assert.equal(await world.doNext(), undefined)
  await world.pass(23 * HOUR)
  assert.equal((await world.doNext())?.state, 'finished')
  assert.equal(await world.doNext(), undefined)
  const { items } = await world.catalog.sets(SETS)
  assert.deepEqual(
    items.map(({ status, mode }) => [status, mode]),
    [['Success', 'Automated']],
  )
  assert.equal((await readManifest(world.store, items[0]?.manifestKey ?? '')).mode, 'Automated')
})

test('one that fails again and again ends in a Failed set with its reason, and the next night has one of its own', async () => {
  let broken = true
  await using world = await scheduledWorld({
    beforeChunk: async () => {
      if (broken) throw new Fault('engine_failed', 'the server went away')
    },
  })
  await world.pass(23 * HOUR)
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.equal((await world.doNext())?.attempt, attempt)
    assert.equal(await world.doNext(), undefined, 'not before the back-off is over')
    await world.pass(300_000)
  }
  const [failed] = (await world.catalog.sets(SETS)).items
  assert.deepEqual([failed?.status, failed?.mode, failed?.reason], ['Failed', 'Automated', 'the server went away'])
  broken = false
  await world.pass(24 * HOUR)
  assert.equal((await world.doNext())?.state, 'finished')
  assert.equal(await world.doNext(), undefined)
  assert.deepEqual(
    (await world.catalog.sets({ ...SETS, mode: 'Automated' })).items.map(({ status }) => status),
    ['Success', 'Failed'],
  )
})
