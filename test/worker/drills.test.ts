import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { failedDrill } from '../../src/core/conditions.ts'
import { Fault } from '../../src/core/fault.ts'
import { DEFAULT_POLICY, type Drills } from '../../src/core/policy.ts'
import type { FakeServer } from '../../src/engine/fake/fake.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { addDueDrills, runDrills } from '../../src/scheduler/run-drills.ts'
import { clearScratch } from '../../src/worker/scratch.ts'
import { workerWorld, type WorkerWorld } from '../lib/worker-world.ts'

const HOUR = 3_600_000
const serving = (text: string): Readonly<Record<string, FakeServer>> => ({
  primary: { role: 'primary', systemIdentifier: '7', content: Buffer.from(text) },
})

async function take(world: WorkerWorld): Promise<string> {
  world.clock.advance(60_000)
  const { setId = '' } = await world.askBackup()
  const task = await world.doNext('w1', undefined, ['take-backup'])
  assert.equal(task?.state, 'finished', task?.reason)
  return setId
}

const setPolicy = (world: WorkerWorld, drills: Drills) =>
  world.catalog.changePolicy('pgm-1', () => ({ ...DEFAULT_POLICY, drills }), { at: world.clock.now() })

/** Three schedulers look at once. Gives how many drills they added. */
async function look(world: WorkerWorld): Promise<number> {
  const deps = { catalog: world.catalog, clock: world.clock, log: silentLog, pollSeconds: 10, wake: () => {} }
  const added = await Promise.all([1, 2, 3].map(() => addDueDrills(deps)))
  return added.reduce((a, b) => a + b, 0)
}

const drill = (world: WorkerWorld) => world.doNext('w1', undefined, ['drill'])

test('a policy has each set drilled once, however many schedulers look', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  const first = await take(world)
  assert.equal(await look(world), 0)
  await setPolicy(world, { everySets: 1 })
  assert.equal(await look(world), 1)
  assert.equal(await look(world), 0)
  const task = await drill(world)
  assert.deepEqual([task?.state, task?.setId], ['finished', first])
  assert.equal((await world.catalog.set(first))?.drilledAt, world.clock.now())
  assert.equal(await look(world), 0)
  const second = await take(world)
  assert.equal(await look(world), 1)
  assert.equal((await drill(world))?.setId, second)
})

test('one that finds a set rotten is told, and is not done again before another set comes', async () => {
  await using world = await workerWorld({ servers: serving('a rotten row') })
  await setPolicy(world, { everySets: 1 })
  const id = await take(world)
  assert.equal(await look(world), 1)
  const task = await drill(world)
  assert.equal(task?.state, 'failed')
  assert.match((await world.catalog.set(id))?.drillDamage ?? '', /rotten row/)
  const [standing] = await world.catalog.standings()
  assert.match(standing ? (failedDrill(standing)?.what ?? '') : '', new RegExp(`drill of set ${id} of pgm-1`))
  assert.equal(await look(world), 0)
})

test('a policy with a cron has the newest set drilled at its moments', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  await take(world)
  const id = await take(world)
  await setPolicy(world, { everySets: 0, cron: { expression: '0 2 * * *', timeZone: 'UTC' } })
  assert.equal(await look(world), 0)
  for (let night = 0; night < 2; night++) {
    world.clock.advance(24 * HOUR)
    assert.equal(await look(world), 1)
    assert.equal((await drill(world))?.setId, id)
    assert.equal(await look(world), 0)
  }
})

test('a set that waits for its drill cannot be removed', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  const id = await take(world)
  await setPolicy(world, { everySets: 1 })
  await look(world)
  await assert.rejects(world.catalog.removeSets('pgm-1', [id]), (error) => Fault.is(error, 'locked'))
  await drill(world)
  await world.catalog.removeSets('pgm-1', [id])
})

test('an instance that is deregistered, or all whose sets are gone, has no drills', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  await setPolicy(world, { everySets: 1 })
  assert.equal(await look(world), 0)
  await take(world)
  await world.catalog.deregisterInstance('pgm-1', world.clock.now())
  assert.equal(await look(world), 0)
  assert.equal(
    await world.catalog.addDrill({ kind: 'drill', instanceId: 'pgm-1', setId: '1', request: {} }, undefined),
    undefined,
  )
})

test('a catalog that does not answer is asked again', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  await setPolicy(world, { everySets: 1 })
  await take(world)
  const clock = new FakeClock('2026-01-02T00:00:00Z')
  const stop = new AbortController()
  let asked = 0
  const catalog = {
    ...world.catalog,
    drilled: async () => {
      if (++asked === 1) throw new Fault('catalog_unavailable', 'ask')
      return world.catalog.drilled()
    },
  }
  const woken = Promise.withResolvers<void>()
  const done = runDrills({ catalog, clock, log: silentLog, pollSeconds: 10, wake: woken.resolve }, stop.signal)
  while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve))
  clock.advance(10_000)
  await woken.promise
  stop.abort()
  await done
  assert.equal((await world.catalog.tasks({ kind: 'drill' })).length, 1)
})

test('what dead drills left is removed, and nothing of another service or of anybody else', async () => {
  await using world = await workerWorld({ servers: serving('orders') })
  await setPolicy(world, { everySets: 1 })
  const backup = await world.askBackup()
  await world.doNext('w1', undefined, ['take-backup'])
  assert.equal(await look(world), 1)
  const { id } = (await drill(world)) ?? {}
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-scratch-'))
  const others = [`holdfast-drill-fake-${backup.id}-1`, 'holdfast-drill-fake-987654321-1', 'mine']
  for (const name of [`holdfast-drill-fake-${id}-1`, ...others])
    await mkdir(join(scratch, name, 'data'), { recursive: true })
  await clearScratch({ ...world.depsOf('w1'), scratch })
  assert.deepEqual((await readdir(scratch)).toSorted(), others.toSorted())
  await rm(scratch, { recursive: true })
})
