import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instance, refused, withSets, backupSet, claim, type Part } from './fixture.ts'

const backup = { kind: 'take-backup', instanceId: 'pg-1', request: { mode: 'Manual' } } as const

export const tasksContract: Part = (harness) => {
  const { leaseMs } = harness

  test('a backup has its set id from the first moment, and one instance has one at a time', async () => {
    const catalog = await withSets(harness)
    await catalog.addInstance(instance('pg-2'))
    const task = await catalog.addTask(backup)
    assert.match(task.setId ?? '', /^\d+$/)
    assert.notEqual(task.setId, task.id)
    assert.equal(task.state, 'waiting')
    assert.deepEqual(task.request, backup.request)
    assert.deepEqual(await catalog.task(task.id), task)
    await refused(catalog.addTask(backup), 'locked')
    await catalog.addTask({ ...backup, instanceId: 'pg-2' })
    await catalog.claimTask('w', ['take-backup'], leaseMs)
    await refused(catalog.addTask(backup), 'locked')
    await catalog.finishTask({ taskId: task.id, attempt: 1, worker: 'w' }, undefined)
    await catalog.addTask(backup)
  })

  test('of many who add a backup at once one wins', async () => {
    const catalog = await withSets(harness)
    const tried = await Promise.allSettled(Array.from({ length: 8 }, () => catalog.addTask(backup)))
    assert.equal(tried.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await catalog.tasks({ kind: 'take-backup' })).length, 1)
  })

  test('no backup is added for an instance that is unknown or deregistered', async () => {
    const catalog = await withSets(harness)
    await refused(catalog.addTask({ ...backup, instanceId: 'pg-9' }), 'not_found')
    await catalog.deregisterInstance('pg-1', 5)
    await refused(catalog.addTask(backup), 'not_found')
  })

  test('the oldest task of the asked kinds is claimed first, and none twice', async () => {
    const catalog = await withSets(harness)
    const sweep = await catalog.addTask({ kind: 'sweep', request: {} })
    const one = await catalog.addTask({ kind: 'expire', request: {} })
    const two = await catalog.addTask({ kind: 'expire', request: {} })
    const first = await catalog.claimTask('w', ['expire', 'verify'], leaseMs)
    assert.deepEqual([first?.id, first?.state, first?.attempt], [one.id, 'running', 1])
    assert.ok(first?.startedAt)
    assert.equal((await catalog.claimTask('w', ['expire'], leaseMs))?.id, two.id)
    assert.equal(await catalog.claimTask('w', ['expire', 'verify'], leaseMs), undefined)
    assert.equal((await catalog.claimTask('w', ['sweep'], leaseMs))?.id, sweep.id)
  })

  test('workers that claim at once get different tasks', async () => {
    const catalog = await withSets(harness)
    for (let count = 0; count < 6; count++) await catalog.addTask({ kind: 'expire', request: {} })
    const claims = await Promise.all(
      Array.from({ length: 9 }, (_, at) => catalog.claimTask(`w${at}`, ['expire'], leaseMs)),
    )
    const ids = claims.flatMap((task) => task?.id ?? [])
    assert.equal(ids.length, 6)
    assert.equal(new Set(ids).size, 6)
  })

  test('a task whose lease ended is claimed again, and its first worker can change nothing any more', async () => {
    const catalog = await withSets(harness)
    const { id, setId } = await catalog.addTask(backup)
    const old = await claim(catalog, 'take-backup', leaseMs)
    assert.equal(await catalog.claimTask('other', ['take-backup'], leaseMs), undefined)
    await harness.pass(leaseMs + 1)
    const again = await catalog.claimTask('other', ['take-backup'], 100 * leaseMs)
    assert.deepEqual([again?.id, again?.attempt], [id, 2])
    const before = await catalog.task(id)
    const set = backupSet(setId ?? '')
    for (const lease of [old, { ...old, attempt: 2 }, { ...old, worker: 'other' }]) {
      await refused(catalog.renewTask(lease, leaseMs), 'lease_lost')
      await refused(catalog.releaseTask(lease, 'x', 0), 'lease_lost')
      await refused(catalog.finishTask(lease, {}), 'lease_lost')
      await refused(catalog.failTask(lease, 'x', { state: 'failed', failedSet: set }), 'lease_lost')
      await refused(catalog.commitSet(lease, set, {}), 'lease_lost')
      await refused(catalog.commitRemoval(lease, set.id), 'lease_lost')
    }
    assert.deepEqual(await catalog.task(id), before)
    assert.equal(await catalog.set(set.id), undefined)
    await catalog.commitSet({ taskId: id, attempt: 2, worker: 'other' }, set, {})
    assert.deepEqual(await catalog.set(set.id), set)
  })

  test('a worker past its lease cannot commit, also when nobody else claimed', async () => {
    const catalog = await withSets(harness)
    const { setId } = await catalog.addTask(backup)
    const lease = await claim(catalog, 'take-backup', leaseMs)
    await harness.pass(leaseMs + 1)
    await refused(catalog.commitSet(lease, backupSet(setId ?? ''), {}), 'lease_lost')
    await refused(catalog.renewTask(lease, leaseMs), 'lease_lost')
    assert.equal(await catalog.set(setId ?? ''), undefined)
  })

  test('a renewed lease lasts from then on, and progress never goes back nor passes 99 before the end', async () => {
    const catalog = await withSets(harness)
    const { id } = await catalog.addTask(backup)
    const version = await catalog.instanceVersion('pg-1')
    const lease = await claim(catalog, 'take-backup', leaseMs)
    for (const [percent, shown] of [
      [10, 10],
      [40.9, 40],
      [30, 40],
      [100, 99],
    ] as const) {
      await harness.pass(leaseMs * 0.4)
      const progress = { phase: 'streaming', percent, bytes: 5, totalBytes: 10 } as const
      assert.deepEqual(await catalog.renewTask(lease, leaseMs, progress), { cancelAsked: false })
      assert.deepEqual((await catalog.task(id))?.progress, { ...progress, percent: shown })
    }
    assert.equal(await catalog.instanceVersion('pg-1'), version)
    await catalog.finishTask(lease, { size: 1 })
    const ended = await catalog.task(id)
    assert.deepEqual(
      [ended?.state, ended?.progress.percent, ended?.progress.phase, ended?.result],
      ['finished', 100, 'done', { size: 1 }],
    )
    assert.ok(ended?.endedAt)
    await refused(catalog.renewTask(lease, leaseMs), 'lease_lost')
  })

  test('a task that is given back waits its delay, and keeps its count of attempts', async () => {
    const catalog = await withSets(harness)
    const { id } = await catalog.addTask(backup)
    await catalog.releaseTask(await claim(catalog, 'take-backup', leaseMs), 'no space', leaseMs)
    const waiting = await catalog.task(id)
    assert.deepEqual([waiting?.state, waiting?.reason, waiting?.attempt], ['waiting', 'no space', 1])
    assert.equal(await catalog.claimTask('w', ['take-backup'], leaseMs), undefined)
    await harness.pass(leaseMs + 1)
    assert.equal((await catalog.claimTask('w', ['take-backup'], leaseMs))?.attempt, 2)
  })

  test('an attempt that a stopping worker gave back is a number, and no try', async () => {
    const catalog = await withSets(harness)
    const { id } = await catalog.addTask(backup)
    await catalog.releaseTask(await claim(catalog, 'take-backup', leaseMs), 'stopped', 0, { stopped: true })
    await catalog.releaseTask(await claim(catalog, 'take-backup', leaseMs), 'no space', 0, { stopped: false })
    await claim(catalog, 'take-backup', leaseMs)
    const task = await catalog.task(id)
    assert.deepEqual([task?.attempt, task?.stopped], [3, 1])
  })

  test('a task is cancelled at once while it waits, and asked to end while it runs', async () => {
    const catalog = await withSets(harness)
    const first = await catalog.addTask(backup)
    assert.equal((await catalog.cancelTask(first.id)).state, 'cancelled')
    await refused(catalog.cancelTask(first.id), 'conflict')
    const second = await catalog.addTask(backup)
    const lease = await claim(catalog, 'take-backup', leaseMs)
    const asked = await catalog.cancelTask(second.id)
    assert.deepEqual([asked.state, asked.cancelAsked], ['running', true])
    assert.deepEqual(await catalog.renewTask(lease, leaseMs), { cancelAsked: true })
    await catalog.releaseTask(lease, 'stopping', 0)
    assert.equal((await catalog.task(second.id))?.state, 'cancelled')
    await refused(catalog.cancelTask('1'), 'not_found')
  })

  test('a set of a cancelled task is not committed, and its task can still be ended', async () => {
    const catalog = await withSets(harness)
    const { id, setId } = await catalog.addTask(backup)
    const lease = await claim(catalog, 'take-backup', leaseMs)
    await catalog.cancelTask(id)
    await refused(catalog.commitSet(lease, backupSet(setId ?? ''), {}), 'cancelled')
    assert.equal(await catalog.set(setId ?? ''), undefined)
    assert.equal((await catalog.task(id))?.state, 'running')
    await catalog.failTask(lease, 'cancelled', { state: 'cancelled' })
    assert.equal((await catalog.task(id))?.state, 'cancelled')
  })

  test('a removal cannot be taken back', async () => {
    const catalog = await withSets(harness, backupSet(1))
    const [task] = await catalog.removeSets('pg-1', ['1'])
    await refused(catalog.cancelTask(task?.id ?? ''), 'conflict')
  })

  test('a failed backup leaves a Failed set in the same transaction', async () => {
    const catalog = await withSets(harness)
    const { id, setId } = await catalog.addTask(backup)
    const failed = backupSet(setId ?? '', { status: 'Failed', reason: 'gone', size: 0, manifestKey: undefined })
    await catalog.failTask(await claim(catalog, 'take-backup', leaseMs), 'gone', { state: 'failed', failedSet: failed })
    assert.deepEqual(await catalog.set(setId ?? ''), failed)
    const task = await catalog.task(id)
    assert.deepEqual([task?.state, task?.reason], ['failed', 'gone'])
    assert.deepEqual(await catalog.check(), [])
  })

  test('a set that a rebuild adopted before its worker committed is no obstacle', async () => {
    const catalog = await withSets(harness)
    const { setId } = await catalog.addTask(backup)
    const lease = await claim(catalog, 'take-backup', leaseMs)
    await catalog.adoptSet(backupSet(setId ?? ''))
    await catalog.commitSet(lease, backupSet(setId ?? ''), {})
    assert.equal((await catalog.sets({ instanceId: 'pg-1', offset: 0, limit: 30 })).total, 1)
    assert.deepEqual(await catalog.check(), [])
  })

  test('a task that must be there is added once, however many ask', async () => {
    const catalog = await withSets(harness)
    const ensure = () => catalog.ensureTask({ kind: 'sweep', request: {} })
    const added = await Promise.all([ensure(), ensure(), ensure(), ensure()])
    assert.equal(added.filter(Boolean).length, 1)
    const lease = await claim(catalog, 'sweep', leaseMs)
    assert.equal(await ensure(), false)
    await catalog.finishTask(lease, undefined)
    assert.equal(await ensure(), true)
  })

  test('tasks are listed newest first, by instance, kind and state', async () => {
    const catalog = await withSets(harness)
    await catalog.addInstance(instance('pg-2'))
    const a = await catalog.addTask(backup)
    const b = await catalog.addTask({ kind: 'expire', instanceId: 'pg-1', request: {} })
    const c = await catalog.addTask({ ...backup, instanceId: 'pg-2' })
    await claim(catalog, 'expire', leaseMs)
    const ids = async (query: Parameters<typeof catalog.tasks>[0]) => (await catalog.tasks(query)).map(({ id }) => id)
    assert.deepEqual(await ids({}), [c.id, b.id, a.id])
    assert.deepEqual(await ids({ instanceId: 'pg-1' }), [b.id, a.id])
    assert.deepEqual(await ids({ kind: 'take-backup' }), [c.id, a.id])
    assert.deepEqual(await ids({ states: ['running'] }), [b.id])
    assert.deepEqual(await ids({ states: ['running', 'waiting'], instanceId: 'pg-2' }), [c.id])
    assert.deepEqual(await ids({ id: a.id, instanceId: 'pg-2' }), [])
  })
}
