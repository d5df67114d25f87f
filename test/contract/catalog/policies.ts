import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../../src/core/backup-set.ts'
import { DEFAULT_POLICY, UNTOUCHED_POLICY } from '../../../src/core/policy.ts'
import { backupSet, instance, refused, withSets, type Part } from './fixture.ts'

export const policiesContract: Part = (harness) => {
  test('an instance has the policy it was registered with, then the one that was saved last', async () => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1', { policy: DEFAULT_POLICY, createdAt: 5 }))
    assert.deepEqual(await catalog.policyOf('pg-1'), { policy: DEFAULT_POLICY, changedAt: 5, released: false })
    const changed = { ...DEFAULT_POLICY, releasedKeep: 'Latest' } as const
    await catalog.changePolicy('pg-1', () => changed, { at: 9 })
    assert.deepEqual(await catalog.policyOf('pg-1'), { policy: changed, changedAt: 9, released: false })
    await refused(
      catalog.changePolicy('pg-2', () => changed, { at: 9 }),
      'not_found',
    )
    assert.equal(await catalog.policyOf('pg-2'), undefined)
  })

  test('an instance that nobody gave a policy has the one that touches nothing', async () => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1'))
    assert.deepEqual(await catalog.policyOf('pg-1'), { policy: UNTOUCHED_POLICY, changedAt: 0, released: false })
    assert.deepEqual(await catalog.scheduled(), [])
  })

  test('an instance that is taken up again keeps its policy', async () => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1', { policy: DEFAULT_POLICY }))
    const own = { ...DEFAULT_POLICY, releasedKeep: 'Latest' } as const
    await catalog.changePolicy('pg-1', () => own, { at: 9 })
    await catalog.deregisterInstance('pg-1', 10)
    assert.deepEqual(await catalog.scheduled(), [])
    await catalog.addInstance(instance('pg-1', { policy: DEFAULT_POLICY, createdAt: 20 }))
    assert.deepEqual(await catalog.policyOf('pg-1'), { policy: own, changedAt: 20, released: false })
  })

  test('a pinned set is held until it is unpinned, and no one removes it', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.pinSet('pg-1', '1', true)
    await catalog.pinSet('pg-1', '1', true)
    const pinned = await catalog.set('1')
    assert.deepEqual([pinned?.pinned, pinned?.held], [true, true])
    await refused(catalog.removeSets('pg-1', ['1']), 'locked')
    await catalog.pinSet('pg-1', '1', false)
    const free = await catalog.set('1')
    assert.deepEqual([free?.pinned, free?.held], [undefined, false])
    await catalog.removeSets('pg-1', ['1'])
    await refused(catalog.pinSet('pg-1', '1', true), 'not_found')
  })

  test('a set has an end of its own, or none at all, or that of its policy again', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    const before = (await catalog.instanceVersion('pg-1')) ?? 0
    await catalog.setExpiry('pg-1', ['1', '2'], 1_800_000_000_000)
    assert.equal((await catalog.set('2'))?.expiresAt, 1_800_000_000_000)
    await catalog.setExpiry('pg-1', ['1'], NEVER)
    assert.equal((await catalog.set('1'))?.expiresAt, NEVER)
    assert.deepEqual(await catalog.keptSets('pg-1'), [
      { id: '1', pinned: false, expiresAt: NEVER },
      { id: '2', pinned: false, expiresAt: 1_800_000_000_000 },
    ])
    await catalog.setExpiry('pg-1', ['1'], undefined)
    assert.equal((await catalog.set('1'))?.expiresAt, undefined)
    assert.equal(await catalog.instanceVersion('pg-1'), before + 3)
    await refused(catalog.setExpiry('pg-1', ['2', '3'], 1), 'not_found')
    assert.equal((await catalog.set('2'))?.expiresAt, 1_800_000_000_000)
  })

  test('policies, pins and ends are there in a catalog that is moved', async () => {
    const from = await withSets(harness, backupSet(1), backupSet(2))
    await from.changePolicy('pg-1', () => DEFAULT_POLICY, { at: 7 })
    await from.pinSet('pg-1', '1', true)
    await from.setExpiry('pg-1', ['2'], NEVER)
    const into = await harness.open()
    await into.load(await from.dump())
    assert.deepEqual(await into.policyOf('pg-1'), { policy: DEFAULT_POLICY, changedAt: 7, released: false })
    assert.equal((await into.set('2'))?.expiresAt, NEVER)
    await refused(into.removeSets('pg-1', ['1']), 'locked')
  })
}
