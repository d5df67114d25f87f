import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog, CloneCommit } from '../../../src/catalog/catalog.ts'
import { DEFAULT_POLICY } from '../../../src/core/policy.ts'
import { backupSet, claim, instance, node, refused, withSets, type Part } from './fixture.ts'

/** A task that makes the instance `id` of set 1. */
export const cloneTask = (id: string) =>
  ({ kind: 'clone', instanceId: id, setId: '1', request: {}, makes: instance(id, { nodes: [] }) }) as const

/** What the instance `id` turns out to be. */
export const cloneCommit = (id: string): CloneCommit => ({
  instanceId: id,
  engineVersion: '18.0',
  systemIdentifier: '42',
  node: node('127.0.0.1'),
  policy: DEFAULT_POLICY,
  at: 5,
})

const idsOf = async (catalog: Catalog, query: { made?: boolean; notIds?: readonly string[] } = {}) =>
  (await catalog.instances({ registeredOnly: true, offset: 0, limit: 9, ...query })).items.map(({ id }) => id)

export const clonesContract: Part = (harness) => {
  const { leaseMs } = harness

  test('a clone adds its instance without nodes and holds its set; its commit gives both node and policy', async () => {
    const catalog = await withSets(harness, backupSet('1'))
    const task = await catalog.addTask(cloneTask('pg-clone'))
    assert.deepEqual((await catalog.instance('pg-clone'))?.nodes, [])
    assert.deepEqual(await catalog.check(), [])
    await refused(catalog.removeSets('pg-1', ['1']), 'locked')
    assert.deepEqual(await idsOf(catalog, { made: true }), ['pg-1'])
    assert.deepEqual(await idsOf(catalog, { made: false }), ['pg-clone'])
    const lease = await claim(catalog, 'clone', leaseMs)
    const made = await catalog.commitClone(lease, cloneCommit('pg-clone'), { port: 1 })
    assert.equal(made.nodes[0]?.address.password, 'pass of 127.0.0.1')
    assert.equal(made.systemIdentifier, '42')
    assert.deepEqual((await catalog.policyOf('pg-clone'))?.policy, DEFAULT_POLICY)
    assert.deepEqual((await catalog.task(task.id))?.result, { port: 1 })
    assert.deepEqual(await idsOf(catalog, { made: true }), ['pg-1', 'pg-clone'])
    assert.deepEqual(await idsOf(catalog, { notIds: ['pg-1'] }), ['pg-clone'])
    await catalog.removeSets('pg-1', ['1'])
    assert.deepEqual(await catalog.check(), [])
  })

  test('a clone that fails or is cancelled, waiting or running, takes its instance with it', async () => {
    const catalog = await withSets(harness, backupSet('1'))
    await catalog.addTask(cloneTask('pg-failing'))
    await catalog.failTask(await claim(catalog, 'clone', leaseMs), 'no room', { state: 'failed' })
    const waiting = await catalog.addTask(cloneTask('pg-waiting'))
    await catalog.cancelTask(waiting.id)
    const running = await catalog.addTask(cloneTask('pg-running'))
    const lease = await claim(catalog, 'clone', leaseMs)
    await catalog.cancelTask(running.id)
    assert.deepEqual(await idsOf(catalog), ['pg-1', 'pg-running'])
    await catalog.releaseTask(lease, 'stopped', 0)
    assert.deepEqual(await idsOf(catalog), ['pg-1'])
    assert.equal((await catalog.set('1'))?.held, false)
    await refused(catalog.commitClone(lease, cloneCommit('pg-running'), {}), 'lease_lost')
    assert.deepEqual((await catalog.instance('pg-running'))?.nodes, [])
  })

  test('a clone whose set is gone adds neither task nor instance', async () => {
    const catalog = await withSets(harness, backupSet('1'))
    await refused(catalog.addTask({ ...cloneTask('pg-clone'), setId: '9' }), 'not_found')
    assert.equal(await catalog.instance('pg-clone'), undefined)
    assert.deepEqual(await catalog.tasks({ kind: 'clone' }), [])
  })

  test('a release cannot be taken back, and leaves its instance to its worker', async () => {
    const catalog = await withSets(harness, backupSet('1'))
    const task = await catalog.addTask({ kind: 'release', instanceId: 'pg-1', request: {} })
    await refused(catalog.cancelTask(task.id), 'conflict')
    await catalog.failTask(await claim(catalog, 'release', leaseMs), 'not here', { state: 'failed' })
    assert.deepEqual(await idsOf(catalog), ['pg-1'])
  })
}
