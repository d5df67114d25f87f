import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog, NewNode } from '../../../src/catalog/catalog.ts'
import { TASK_KINDS, type TaskKind } from '../../../src/core/task.ts'
import { backupSet, instance, node, withSets, type Part } from './fixture.ts'

/** Instances at these hosts, each with a backup that waits; gives the tasks' ids. */
async function waitingAt(catalog: Catalog, ...hosts: readonly (readonly string[])[]): Promise<string[]> {
  const ids = []
  for (const [at, names] of hosts.entries()) {
    const id = `at-${at}`
    const nodes = names.map((name, place): NewNode => node(name, place === 0 ? 'primary' : 'replica'))
    await catalog.addInstance(instance(id, { nodes }))
    ids.push((await catalog.addTask({ kind: 'take-backup', instanceId: id, request: {} })).id)
  }
  return ids
}

export const claimsContract: Part = (harness) => {
  const long = harness.leaseMs * 100
  const claimer = (catalog: Catalog, limits: { bulk?: number; perHost?: number }) => {
    let count = 0
    return async (leaseMs = long, kinds: readonly TaskKind[] = TASK_KINDS) => {
      const worker = `w${count++}`
      const task = await catalog.claimTask(worker, kinds, leaseMs, limits)
      return (
        task && { id: task.id, end: () => catalog.finishTask({ taskId: task.id, attempt: task.attempt, worker }, {}) }
      )
    }
  }

  test('no more backups, restores and verifications run at once than the limit, and other tasks are not counted', async () => {
    const catalog = await withSets(harness, backupSet(1))
    const [first] = await waitingAt(catalog, ['a'], ['b'])
    const verify = await catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '1', request: {} })
    const sweep = await catalog.addTask({ kind: 'sweep', request: {} })
    const claim = claimer(catalog, { bulk: 2 })
    assert.equal((await claim())?.id, sweep.id)
    const running = [await claim(), await claim()]
    assert.equal(running[0]?.id, first)
    assert.ok(running[1])
    assert.equal(await claim(), undefined)
    await running[0]?.end()
    assert.equal((await claim())?.id, verify.id)
    assert.equal(await claim(), undefined)
  })

  test('a restore and what clears up are claimed before backups that wait longer', async () => {
    for (const limits of [{}, { bulk: 9, perHost: 9 }]) {
      const catalog = await withSets(harness, backupSet(1))
      const [backup] = await waitingAt(catalog, ['a'])
      const verify = await catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '1', request: {} })
      const restore = await catalog.addTask({ kind: 'restore', instanceId: 'pg-1', setId: '1', request: {} })
      const sweep = await catalog.addTask({ kind: 'sweep', request: {} })
      const claim = claimer(catalog, limits)
      const order = [await claim(), await claim(), await claim(), await claim()]
      assert.deepEqual(
        order.map((task) => task?.id),
        [restore.id, sweep.id, backup, verify.id],
      )
    }
  })

  test('of those who claim at once no more get a task than the limit has room for', async () => {
    const catalog = await harness.open()
    const hosts = Array.from({ length: 12 }, (_, at) => [`host-${at % 4}`])
    await waitingAt(catalog, ...hosts)
    const claim = claimer(catalog, { bulk: 5, perHost: 1 })
    const claimed = (await Promise.all(Array.from({ length: 12 }, () => claim()))).filter((one) => one !== undefined)
    assert.equal(claimed.length, 4)
    assert.equal(new Set(claimed.map(({ id }) => id)).size, 4)
  })

  test('backups at one host wait for each other, and for no other host', async () => {
    const catalog = await harness.open()
    const [a1 = '', a2 = '', b = '', a3 = ''] = await waitingAt(catalog, ['a'], ['A'], ['b'], ['a', 'a'])
    const claim = claimer(catalog, { perHost: 2 })
    const first = await claim()
    assert.deepEqual([first?.id, (await claim())?.id, (await claim())?.id], [a1, a2, b])
    assert.equal(await claim(), undefined)
    await first?.end()
    assert.equal((await claim())?.id, a3)
  })

  test('a backup with nodes at two hosts gets its turn, though one of them is always busy', async () => {
    const catalog = await harness.open()
    const [a = '', both = '', b1 = '', b2 = ''] = await waitingAt(catalog, ['a'], ['a', 'b'], ['b'], ['b'])
    const claim = claimer(catalog, { perHost: 1 })
    const first = await claim()
    assert.equal(first?.id, a)
    assert.equal(await claim(), undefined, 'who came later does not take its place')
    await first?.end()
    const second = await claim()
    assert.equal(second?.id, both)
    await second?.end()
    const third = await claim()
    assert.equal(third?.id, b1)
    await third?.end()
    assert.equal((await claim())?.id, b2)
  })

  test('a limit that is reached holds up nothing that it is not about', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await waitingAt(catalog, ['a'], ['a'])
    const verify = await catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '1', request: {} })
    const claim = claimer(catalog, { perHost: 1 })
    await claim()
    assert.equal((await claim())?.id, verify.id)
    assert.equal(await claim(), undefined)
  })

  test('a task whose worker died takes no room, and is claimed again in its turn', async () => {
    const catalog = await harness.open()
    const [first = '', second = ''] = await waitingAt(catalog, ['a'], ['a'])
    const claim = claimer(catalog, { bulk: 1, perHost: 1 })
    assert.equal((await claim(harness.leaseMs))?.id, first)
    assert.equal(await claim(), undefined)
    await harness.pass(harness.leaseMs + 1)
    const again = await claim()
    assert.equal(again?.id, first)
    await again?.end()
    assert.equal((await claim())?.id, second)
  })

  test('one that waits for its next attempt holds nobody up', async () => {
    const catalog = await harness.open()
    const [first = '', second = ''] = await waitingAt(catalog, ['a'], ['a'])
    const task = await catalog.claimTask('w', ['take-backup'], long, { perHost: 1 })
    assert.equal(task?.id, first)
    await catalog.releaseTask({ taskId: first, attempt: 1, worker: 'w' }, 'no space', long)
    assert.equal((await claimer(catalog, { perHost: 1 })())?.id, second)
  })
}
