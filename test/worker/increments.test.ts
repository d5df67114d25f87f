import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import { Fault } from '../../src/core/fault.ts'
import type { FakeServer } from '../../src/engine/fake/fake.ts'
import { readManifest } from '../../src/set/read.ts'
import { workerWorld, type WorkerWorld } from '../lib/worker-world.ts'

const SETS = { instanceId: 'pgm-1', offset: 0, limit: 30 }
const content = new Uint8Array(100_000).fill(65)
const TAKES: FakeServer = { role: 'primary', systemIdentifier: '7', content, increments: 'taken' }

/** Takes one backup, and gives its set and the warnings of its task. */
async function take(world: WorkerWorld, type: 'FullBackup' | 'IncrementalBackup' = 'IncrementalBackup') {
  world.clock.advance(60_000)
  const { setId = '' } = await world.askBackup(type)
  const task = await world.doNext('w1', undefined, ['take-backup'])
  assert.equal(task?.state, 'finished', task?.reason)
  const set = (await world.catalog.set(setId)) ?? assert.fail()
  const { warnings } = task.result as { readonly warnings: readonly string[] }
  return { set, warnings }
}

const refusedRemoval = (world: WorkerWorld, id: string) =>
  assert.rejects(world.catalog.removeSets('pgm-1', [id]), (error) => Fault.is(error, 'locked'))

test('an increment adds to the newest good set, which it holds from its beginning on', async () => {
  let during: unknown
  await using world = await workerWorld({
    servers: { primary: TAKES },
    beforeChunk: async () => {
      const [newest] = (await world.catalog.sets(SETS)).items
      during = newest?.held
    },
  })
  const full = await take(world, 'FullBackup')
  assert.equal(during, undefined)
  const first = await take(world)
  assert.equal(during, true)
  const second = await take(world)
  assert.deepEqual(
    [full, first, second].map(({ set }) => [set.type, set.parentId]),
    [
      ['FullBackup', undefined],
      ['IncrementalBackup', full.set.id],
      ['IncrementalBackup', first.set.id],
    ],
  )
  assert.deepEqual(second.warnings, [])
  assert.equal((await readManifest(world.store, second.set.manifestKey ?? '')).parentId, first.set.id)
  await refusedRemoval(world, full.set.id)
  await refusedRemoval(world, first.set.id)
})

test('without a set that it could add to it is a full one, and says so', async () => {
  await using world = await workerWorld({ servers: { primary: TAKES } })
  const { set, warnings } = await take(world)
  assert.equal(set.type, 'FullBackup')
  assert.match(warnings.join(), /a full set instead of an increment: there is no good physical set/)
})

test('a full set kept without what an increment needs is not added to', async () => {
  const { increments: _, ...plain } = TAKES
  await using world = await workerWorld({ servers: { primary: plain } })
  await take(world, 'FullBackup')
  const { set, warnings } = await take(world)
  assert.equal(set.type, 'FullBackup')
  assert.match(warnings.join(), /was kept without the manifest of its server/)
})

test('a node that refuses gives way to another, and none at all to a full set on the same task', async () => {
  const refusing: FakeServer = { ...TAKES, increments: { refused: 'its log begins later' } }
  for (const other of [TAKES, refusing]) {
    const servers = { replica: { ...refusing, role: 'replica' as const }, primary: other }
    await using world = await workerWorld({ servers, preferReplica: true })
    await take(world, 'FullBackup')
    const { set, warnings } = await take(world)
    const [primary, replica] = ['primary', 'replica'].map((role) =>
      world.instance.nodes.find((node) => node.role === role),
    )
    if (other === TAKES) {
      assert.deepEqual([set.type, set.nodeId], ['IncrementalBackup', primary?.id])
    } else {
      assert.deepEqual([set.type, set.nodeId], ['FullBackup', replica?.id])
      assert.equal(warnings.filter((text) => /node \d+: its log begins later/.test(text)).length, 2)
    }
  }
})

test('a chain ends at the length and at the age that the policy says', async () => {
  await using world = await workerWorld({ servers: { primary: TAKES } })
  const increments = { enabled: true, chainLength: 2, fullDays: 3 }
  await world.catalog.changePolicy('pgm-1', () => ({ ...DEFAULT_POLICY, increments }), { at: world.clock.now() })
  const types: string[] = []
  for (let at = 0; at < 5; at++) types.push((await take(world)).set.type)
  world.clock.advance(4 * 86_400_000)
  types.push((await take(world)).set.type)
  assert.deepEqual(
    types.map((type) => type[0]),
    ['F', 'I', 'I', 'F', 'I', 'F'],
  )
})

test('what a removal takes goes dependent first, also when the workers come in another order', async () => {
  await using world = await workerWorld({ servers: { primary: TAKES } })
  const { set: full } = await take(world, 'FullBackup')
  const { set: increment } = await take(world)
  await world.catalog.removeSets('pgm-1', [full.id, increment.id])
  const ours = await world.claim('w1')
  assert.equal(ours?.setId, increment.id)
  const early = await world.doNext('w2', undefined, ['expire'])
  assert.deepEqual([early?.setId, early?.state], [full.id, 'waiting'])
  assert.match(early?.reason ?? '', /a set that adds to it is not removed yet/)
  assert.ok((await world.keys()).includes(full.manifestKey ?? ''))
  world.clock.advance(300_000)
  for (let left = 0; left < 2; left++) {
    assert.equal((await world.doNext('w3', undefined, ['expire']))?.state, 'finished')
    world.clock.advance(300_000)
  }
  assert.deepEqual(
    (await world.keys()).filter((key) => key.startsWith('sets/')),
    [],
  )
})

test('a verification reads the whole chain, and damage of one set is shown on all that need it', async () => {
  await using world = await workerWorld({ servers: { primary: TAKES } })
  const { set: full } = await take(world, 'FullBackup')
  const { set: first } = await take(world)
  const { set: second } = await take(world)
  const manifest = await readManifest(world.store, first.manifestKey ?? '')
  await world.store.remove(manifest.parts[0]?.key ?? '')
  const verify = async (setId: string) => {
    await world.catalog.addTask({ kind: 'verify', instanceId: 'pgm-1', setId, request: {} })
    return world.doNext('w1', undefined, ['verify'])
  }
  assert.equal((await verify(full.id))?.state, 'finished')
  const task = await verify(first.id)
  assert.equal(task?.state, 'failed')
  const damageOf = async (id: string) => (await world.catalog.set(id))?.damage
  assert.equal(await damageOf(full.id), undefined)
  assert.match((await damageOf(first.id)) ?? '', /^part data .*missing/)
  assert.match((await damageOf(second.id)) ?? '', new RegExp(`^set ${first.id}, which it needs: part data`))
  assert.match((await verify(second.id))?.reason ?? '', new RegExp(`set ${first.id}, which it needs: part data`))
  assert.equal((await take(world)).set.parentId, full.id, 'and nothing adds to a damaged chain')
})
