import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupSet, instance, refused, withSets, type Part } from './fixture.ts'

export const linksContract: Part = (harness) => {
  test('revoking links raises the round of that set, and the version of its instance', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    const before = await catalog.instanceVersion('pg-1')
    assert.equal((await catalog.set('1'))?.linkRound, undefined)
    assert.equal(await catalog.revokeLinks('pg-1', '1'), 1)
    assert.equal(await catalog.revokeLinks('pg-1', '1'), 2)
    assert.equal((await catalog.set('1'))?.linkRound, 2)
    assert.equal((await catalog.set('2'))?.linkRound, undefined)
    const { items } = await catalog.sets({ instanceId: 'pg-1', offset: 0, limit: 30 })
    const rounds = items.map(({ id, linkRound }) => [id, linkRound])
    assert.deepEqual(rounds, [
      ['2', undefined],
      ['1', 2],
    ])
    assert.equal(await catalog.instanceVersion('pg-1'), (before ?? 0) + 2)
  })

  test('links of a set that the instance has not, or that is being removed, are not revoked', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.addInstance(instance('pg-2'))
    await refused(catalog.revokeLinks('pg-2', '1'), 'not_found')
    await refused(catalog.revokeLinks('pg-1', 'x'), 'not_found')
    await catalog.removeSets('pg-1', ['1'])
    await refused(catalog.revokeLinks('pg-1', '1'), 'not_found')
  })

  test('what was revoked stays so in a catalog that is moved', async () => {
    const from = await withSets(harness, backupSet(1))
    await from.revokeLinks('pg-1', '1')
    const into = await harness.open()
    await into.load(await from.dump())
    assert.equal((await into.set('1'))?.linkRound, 1)
  })
}
