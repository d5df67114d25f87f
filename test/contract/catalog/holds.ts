import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { backupSet, claim, idsOf, refused, withSets, type Part } from './fixture.ts'

const heldIn = async (catalog: Catalog, id: string) => {
  const { items } = await catalog.sets({ instanceId: 'pg-1', offset: 0, limit: 30 })
  const listed = items.find((set) => set.id === id)?.held
  assert.equal((await catalog.set(id))?.held, listed)
  return listed
}

/** Does something, and gives by how much the instance's version went up. */
async function raised(catalog: Catalog, work: () => Promise<unknown>): Promise<number> {
  const before = (await catalog.instanceVersion('pg-1')) ?? 0
  await work()
  return ((await catalog.instanceVersion('pg-1')) ?? 0) - before
}

export const holdsContract: Part = (harness) => {
  const { leaseMs } = harness

  for (const kind of ['verify', 'restore'] as const) {
    test(`a ${kind} holds its set from the moment it is added to its end, and the version tells`, async () => {
      const catalog = await withSets(harness, backupSet(1))
      const add = () => catalog.addTask({ kind, instanceId: 'pg-1', setId: '1', request: {} })
      const ends: ((id: string) => Promise<unknown>)[] = [
        async () => catalog.finishTask(await claim(catalog, kind, leaseMs), {}),
        async () => catalog.failTask(await claim(catalog, kind, leaseMs), 'broken', { state: 'failed' }),
        (id) => catalog.cancelTask(id),
        async (id) => {
          const lease = await claim(catalog, kind, leaseMs)
          await catalog.cancelTask(id)
          assert.equal(await heldIn(catalog, '1'), true)
          await catalog.releaseTask(lease, 'stopping', 0)
        },
      ]
      for (const end of ends) {
        let id = ''
        assert.equal(await raised(catalog, async () => (id = (await add()).id)), 1)
        assert.equal(await heldIn(catalog, '1'), true)
        await refused(catalog.removeSets('pg-1', ['1']), 'locked')
        assert.deepEqual(await catalog.check(), [])
        assert.equal(await raised(catalog, () => end(id)), 1)
        assert.equal(await heldIn(catalog, '1'), false)
      }
      await catalog.removeSets('pg-1', ['1'])
    })
  }

  test('a set is held as long as any of several tasks needs it', async () => {
    const catalog = await withSets(harness, backupSet(1))
    const one = await catalog.addTask({ kind: 'verify', setId: '1', request: {} })
    const two = await catalog.addTask({ kind: 'restore', setId: '1', request: {} })
    assert.equal(await raised(catalog, () => catalog.cancelTask(one.id)), 0)
    await refused(catalog.removeSets('pg-1', ['1']), 'locked')
    await catalog.cancelTask(two.id)
    assert.equal(await heldIn(catalog, '1'), false)
  })

  test('a removal that meets one held set removes none', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    await catalog.addTask({ kind: 'verify', setId: '1', request: {} })
    await refused(catalog.removeSets('pg-1', ['2', '1']), 'locked')
    assert.deepEqual(await idsOf(catalog), ['2', '1'])
    assert.deepEqual(await catalog.tasks({ kind: 'expire' }), [])
  })

  test('nothing can be asked of a set that is being removed or was never there', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.removeSets('pg-1', ['1'])
    for (const setId of ['1', '2', 'x']) {
      await refused(catalog.addTask({ kind: 'verify', setId, request: {} }), 'not_found')
      await refused(catalog.holdSet(setId, 'me', leaseMs), 'not_found')
    }
    assert.equal((await catalog.tasks({ kind: 'verify' })).length, 0)
  })

  test('a download holds its set until its time is over, prolonged by asking again', async () => {
    const catalog = await withSets(harness, backupSet(1))
    assert.equal(await raised(catalog, () => catalog.holdSet('1', 'a', leaseMs)), 1)
    await harness.pass(leaseMs * 0.6)
    assert.equal(await raised(catalog, () => catalog.holdSet('1', 'a', leaseMs)), 0)
    await harness.pass(leaseMs * 0.6)
    assert.equal(await heldIn(catalog, '1'), true)
    await refused(catalog.removeSets('pg-1', ['1']), 'locked')
    await harness.pass(leaseMs * 0.6)
    assert.equal(await heldIn(catalog, '1'), false)
    await catalog.removeSets('pg-1', ['1'])
  })

  test('a download gives its set free before its time, and not what another one holds', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.holdSet('1', 'a', leaseMs)
    await catalog.holdSet('1', 'b', leaseMs)
    await catalog.releaseHold('1', 'a')
    await catalog.releaseHold('1', 'a')
    assert.equal(await heldIn(catalog, '1'), true)
    assert.equal(await raised(catalog, () => catalog.releaseHold('1', 'b')), 1)
    assert.equal(await heldIn(catalog, '1'), false)
  })

  test('tidying up forgets holds that ended, and the version tells', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    await catalog.holdSet('1', 'a', 1)
    await catalog.holdSet('2', 'a', 100 * leaseMs)
    await harness.pass(5)
    assert.equal(await raised(catalog, () => catalog.tidy()), 1)
    assert.equal(await raised(catalog, () => catalog.tidy()), 0)
    assert.equal(await heldIn(catalog, '2'), true)
    assert.deepEqual(await catalog.check(), [])
  })

  test('a set that another one adds to is held, whichever was adopted first, and goes only with it', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
    ]) {
      const chain = [
        backupSet(1),
        backupSet(2, { parentId: '1', type: 'IncrementalBackup', startedAt: 1_700_000_100_000 }),
        backupSet(3, { parentId: '2', type: 'IncrementalBackup', startedAt: 1_700_000_200_000 }),
      ]
      const catalog = await withSets(harness, ...order.map((at) => chain[at] ?? backupSet(9)))
      assert.deepEqual(
        [await heldIn(catalog, '1'), await heldIn(catalog, '2'), await heldIn(catalog, '3')],
        [true, true, false],
      )
      assert.deepEqual(await catalog.check(), [])
      await refused(catalog.removeSets('pg-1', ['1', '2']), 'locked')
      const tasks = await catalog.removeSets('pg-1', ['1', '3', '2'])
      assert.deepEqual(
        tasks.map(({ setId }) => setId),
        ['3', '2', '1'],
      )
      assert.deepEqual(await catalog.check(), [])
    }
  })

  test('what a check of stored bytes found is noted under a lease, and the version tells', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.addTask({ kind: 'verify', setId: '1', request: {} })
    const lease = await claim(catalog, 'verify', leaseMs)
    assert.equal(await raised(catalog, () => catalog.noteVerified(lease, '1', { at: 77, damage: undefined })), 1)
    assert.deepEqual(await catalog.set('1'), backupSet(1, { verifiedAt: 77, held: true }))
    await catalog.noteVerified(lease, '1', { at: 88, damage: 'part data' })
    const { damage, verifiedAt } = (await catalog.set('1')) ?? {}
    assert.deepEqual([damage, verifiedAt], ['part data', 77])
    await catalog.noteVerified(lease, '1', { at: 99, damage: undefined })
    assert.equal((await catalog.set('1'))?.damage, undefined)
    await refused(catalog.noteVerified({ ...lease, attempt: 2 }, '1', { at: 111, damage: undefined }), 'lease_lost')
    assert.equal((await catalog.set('1'))?.verifiedAt, 99)
  })
}
