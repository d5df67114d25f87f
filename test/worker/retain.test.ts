import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rebuildCatalog } from '../../src/cli/local/rebuild.ts'
import { NEVER } from '../../src/core/backup-set.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import { workerWorld, type WorkerWorld } from '../lib/worker-world.ts'

const DAY_MS = 86_400_000

/** Takes one backup a day for so many days; gives the ids of the sets, oldest first. */
async function backups(world: WorkerWorld, days: number): Promise<string[]> {
  const ids: string[] = []
  for (let day = 0; day < days; day++) {
    ids.push((await world.askBackup()).setId ?? '')
    assert.equal((await world.doNext())?.state, 'finished')
    world.clock.advance(DAY_MS)
  }
  return ids
}

async function retainNow(world: WorkerWorld): Promise<unknown> {
  await world.catalog.ensureTask({ kind: 'retain', request: {} })
  return (await world.doNext())?.result
}

async function doAll(world: WorkerWorld): Promise<void> {
  while (await world.doNext()) {
    // Each of them is looked at by what it leaves.
  }
}

const listed = async ({ catalog, instance }: WorkerWorld) =>
  (await catalog.sets({ instanceId: instance.id, offset: 0, limit: 100 })).items.map(({ id }) => id).toReversed()

const give = (world: WorkerWorld, days: number) =>
  world.catalog.changePolicy(
    world.instance.id,
    () => ({ ...DEFAULT_POLICY, retention: { ...DEFAULT_POLICY.retention, days } }),
    { at: world.clock.now() },
  )

test('of an instance that nobody gave a policy, nothing is removed', async () => {
  await using world = await workerWorld()
  const ids = await backups(world, 3)
  world.clock.advance(3650 * DAY_MS)
  assert.deepEqual(await retainNow(world), { removed: 0, bytes: 0, needed: 0 })
  assert.deepEqual(await listed(world), ids)
})

test('sets past their days go, bytes and all; each is in the audit with its reason', async () => {
  await using world = await workerWorld()
  const ids = await backups(world, 4)
  await give(world, 2)
  const sizes = await Promise.all(ids.map(async (id) => (await world.catalog.set(id))?.size ?? 0))
  assert.deepEqual(await retainNow(world), { removed: 3, bytes: (sizes[0] ?? 0) * 3, needed: 0 })
  assert.deepEqual(await listed(world), ids.slice(3))
  await doAll(world)
  const left = (await world.keys()).filter((key) => key.startsWith('sets/'))
  assert.ok(left.length > 0 && left.every((key) => key.includes(`/${ids[3]}/`)))
  const { items } = await world.catalog.auditRecords({ offset: 0, limit: 10 })
  assert.deepEqual(
    items
      .map(({ origin, action, setIds, parameters }) => [origin, action, setIds[0], parameters['Reason']])
      .toSorted(([, , a = ''], [, , b = '']) => a.localeCompare(b)),
    ids.slice(0, 3).map((id) => ['service', 'Retain', id, 'it is older than 2 days, and nothing keeps it']),
  )
})

test('what is pinned, downloaded, or has an end of its own stays; what has come to it goes', async () => {
  await using world = await workerWorld()
  const ids = await backups(world, 5)
  const [pinned = '', read = '', forEver = '', ended = ''] = ids
  await give(world, 0)
  await world.catalog.pinSet('pgm-1', pinned, true)
  await world.catalog.holdSet(read, 'reader', DAY_MS)
  await world.catalog.setExpiry('pgm-1', [forEver], NEVER)
  await world.catalog.setExpiry('pgm-1', [ended], world.clock.now())
  assert.deepEqual(await retainNow(world), { removed: 1, bytes: (await world.catalog.set(ended))?.size, needed: 1 })
  assert.deepEqual(await listed(world), [pinned, read, forEver, ids[4]])
  await world.catalog.releaseHold(read, 'reader')
  await doAll(world)
  assert.deepEqual(await retainNow(world), { removed: 1, bytes: (await world.catalog.set(read))?.size, needed: 0 })
})

test('sets of an instance that is no longer registered are kept as its policy says', async () => {
  await using world = await workerWorld()
  const ids = await backups(world, 3)
  await give(world, 0)
  await world.catalog.changePolicy('pgm-1', (policy) => ({ ...policy, releasedKeep: 'All' }), { at: 1 })
  await world.catalog.deregisterInstance('pgm-1', world.clock.now())
  await retainNow(world)
  assert.deepEqual(await listed(world), ids)
  await world.catalog.changePolicy('pgm-1', (policy) => ({ ...policy, releasedKeep: 'Latest' }), { at: 2 })
  await retainNow(world)
  assert.deepEqual(await listed(world), ids.slice(2))
})

test('one that ends half way is taken up where it was', async () => {
  await using world = await workerWorld()
  const ids = await backups(world, 6)
  await give(world, 0)
  await world.catalog.ensureTask({ kind: 'retain', request: {} })
  const dying = await world.claim('w1')
  assert.equal(dying?.kind, 'retain')
  await world.catalog.removeSets('pgm-1', ids.slice(3, 5))
  world.clock.advance(DAY_MS)
  await doAll(world)
  assert.deepEqual(await listed(world), ids.slice(5))
  assert.ok((await world.keys()).filter((key) => key.startsWith('sets/')).every((key) => key.includes(`/${ids[5]}/`)))
})

test('policies, pins and ends come back with a catalog that is rebuilt from the store', async () => {
  await using world = await workerWorld()
  const [first = '', second = ''] = await backups(world, 2)
  await give(world, 3)
  await world.catalog.pinSet('pgm-1', first, true)
  await world.catalog.setExpiry('pgm-1', [second], NEVER)
  await world.catalog.ensureTask({ kind: 'sweep', request: {} })
  await doAll(world)
  await using empty = await workerWorld()
  await empty.catalog.deregisterInstance('pgm-1', 0)
  const rebuilt = await rebuildCatalog(empty.catalog, world.store, world.clock.now())
  assert.deepEqual(rebuilt.problems, [])
  const rebuiltPolicy = await empty.catalog.policyOf('pgm-1')
  assert.equal(rebuiltPolicy?.released, true, 'the instance was deregistered')
  assert.deepEqual({ ...rebuiltPolicy, released: false }, await world.catalog.policyOf('pgm-1'))
  assert.deepEqual(await empty.catalog.keptSets('pgm-1'), await world.catalog.keptSets('pgm-1'))
  assert.equal((await empty.catalog.set(first))?.held, true)
})
