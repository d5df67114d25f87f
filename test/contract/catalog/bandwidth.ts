import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import type { Lease } from '../../../src/core/task.ts'
import { claim, instance, refused, withSets, type Part } from './fixture.ts'

const request = { mode: 'Manual', type: 'FullBackup', method: 'Physical' } as const

export const bandwidthContract: Part = (harness) => {
  const { leaseMs } = harness

  /** A backup of an instance of its own that runs. */
  const running = async (catalog: Catalog, id: string): Promise<Lease> => {
    if (id !== 'pg-1') await catalog.addInstance(instance(id))
    await catalog.addTask({ kind: 'take-backup', instanceId: id, request })
    return claim(catalog, 'take-backup', leaseMs)
  }
  const share = async (catalog: Catalog, lease: Lease) => (await catalog.renewTask(lease, leaseMs)).bytesPerSecond

  test('the service has no limit of bandwidth until it gets one, by a call that is done once', async () => {
    const catalog = await withSets(harness)
    assert.equal(await catalog.bandwidth(), 0)
    const once = { keyId: 'k', nonce: 'n', expiresAt: Number.MAX_SAFE_INTEGER }
    await catalog.setBandwidth(900_000, once)
    assert.equal(await catalog.bandwidth(), 900_000)
    await refused(catalog.setBandwidth(1, once), 'replayed')
    assert.equal(await catalog.bandwidth(), 900_000)
  })

  test('each backup that runs hears of its share with its renewal, as limits and backups come and go', async () => {
    const catalog = await withSets(harness)
    const a = await running(catalog, 'pg-1')
    assert.deepEqual(await catalog.renewTask(a, leaseMs), { cancelAsked: false })
    await catalog.setBandwidth(900_000)
    assert.equal(await share(catalog, a), 900_000)
    const b = await running(catalog, 'pg-2')
    const c = await running(catalog, 'pg-3')
    for (const lease of [a, b, c]) assert.equal(await share(catalog, lease), 300_000)
    await catalog.updateInstance('pg-2', { settings: { maxBytesPerSecond: 100_000 } })
    assert.deepEqual(
      [await share(catalog, a), await share(catalog, b), await share(catalog, c)],
      [400_000, 100_000, 400_000],
    )
    await catalog.failTask(a, 'over', { state: 'failed' })
    assert.equal(await share(catalog, c), 800_000)
    await catalog.setBandwidth(0)
    assert.deepEqual([await share(catalog, b), await share(catalog, c)], [100_000, undefined])
  })

  test('a backup whose worker died, and other tasks, take no share', async () => {
    const catalog = await withSets(harness)
    await catalog.setBandwidth(900_000)
    await running(catalog, 'pg-1')
    await harness.pass(leaseMs + 1)
    await catalog.addInstance(instance('pg-2'))
    await catalog.ensureTask({ kind: 'sweep', request: {} })
    const sweep = await claim(catalog, 'sweep', leaseMs)
    await catalog.addTask({ kind: 'take-backup', instanceId: 'pg-2', request })
    const task = await catalog.claimTask('w', ['take-backup'], leaseMs)
    const lease = { taskId: task?.id ?? '', attempt: task?.attempt ?? 0, worker: 'w' }
    assert.equal(await share(catalog, lease), 900_000)
    assert.equal(await share(catalog, sweep), undefined)
  })
}
