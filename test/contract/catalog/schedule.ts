import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_POLICY, type Schedule } from '../../../src/core/policy.ts'
import { claim, instance, refused, type Part } from './fixture.ts'

const AUTOMATED = { kind: 'take-backup', instanceId: 'pg-1', request: { mode: 'Automated' } } as const

const asking = (schedule: Partial<Schedule>) => ({
  ...DEFAULT_POLICY,
  schedule: { ...DEFAULT_POLICY.schedule, ...schedule },
})

export const scheduleContract: Part = (harness) => {
  const withPolicy = async (createdAt = 3) => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1', { policy: DEFAULT_POLICY, createdAt }))
    const settledAt = async () => (await catalog.scheduled())[0]?.settledAt
    return { catalog, settledAt }
  }

  test('an instance with a policy is settled up to when it was registered, and what it asks for is told', async () => {
    const { catalog } = await withPolicy(3)
    await catalog.addInstance(instance('pg-0'))
    assert.deepEqual(await catalog.scheduled(), [
      { instanceId: 'pg-1', policy: DEFAULT_POLICY, changedAt: 3, settledAt: 3 },
    ])
    await catalog.changePolicy('pg-1', () => asking({ enabled: false }), { at: 9 })
    assert.deepEqual(await catalog.scheduled(), [])
  })

  test('an automated backup is added once, however many schedulers ask at once', async () => {
    const { catalog, settledAt } = await withPolicy(3)
    const added = await Promise.all([1, 2, 3, 4].map(() => catalog.addAutomated(AUTOMATED, 1000, 3)))
    const [task, ...more] = added.filter((one) => one !== undefined)
    assert.deepEqual([task?.kind, task?.instanceId, task?.request], ['take-backup', 'pg-1', AUTOMATED.request])
    assert.deepEqual(more, [])
    assert.equal(await settledAt(), 1000)
  })

  test('also when the first has ended, and also by one who looked before it and is late', async () => {
    const { catalog, settledAt } = await withPolicy(3)
    await catalog.addAutomated(AUTOMATED, 1000, 3)
    await catalog.finishTask(await claim(catalog, 'take-backup', harness.leaseMs), {})
    assert.equal(await catalog.addAutomated(AUTOMATED, 1000, 3), undefined)
    assert.equal(await catalog.addAutomated(AUTOMATED, 2000, 3), undefined)
    assert.equal(await settledAt(), 1000)
    assert.ok(await catalog.addAutomated(AUTOMATED, 2000, 1000))
  })

  test('an automated backup stays due while another backup of the instance has not ended', async () => {
    const { catalog, settledAt } = await withPolicy(3)
    await catalog.addTask({ ...AUTOMATED, request: { mode: 'Manual' } })
    assert.equal(await catalog.addAutomated(AUTOMATED, 1000, 3), undefined)
    assert.equal(await settledAt(), 3)
    await catalog.failTask(await claim(catalog, 'take-backup', harness.leaseMs), 'no', { state: 'failed' })
    assert.ok(await catalog.addAutomated(AUTOMATED, 1000, 3))
  })

  test('of an automated and a manual backup that are asked for at once one is added', async () => {
    const { catalog } = await withPolicy(3)
    const manual = { ...AUTOMATED, request: { mode: 'Manual' } }
    const asked = await Promise.allSettled([
      catalog.addTask(manual),
      catalog.addAutomated(AUTOMATED, 1000, 3),
      catalog.addTask(manual),
    ])
    const added = asked.filter((one) => one.status === 'fulfilled' && one.value !== undefined)
    assert.equal(added.length, 1)
    assert.equal((await catalog.tasks({ kind: 'take-backup' })).length, 1)
  })

  test('an instance that is gone gets no backups, and one that comes back missed none', async () => {
    const { catalog, settledAt } = await withPolicy(3)
    await catalog.deregisterInstance('pg-1', 10)
    assert.equal(await catalog.addAutomated(AUTOMATED, 1000, 3), undefined)
    assert.equal(await catalog.addAutomated({ ...AUTOMATED, instanceId: 'pg-9' }, 1000, 3), undefined)
    assert.deepEqual(await catalog.tasks({}), [])
    await catalog.addInstance(instance('pg-1', { policy: DEFAULT_POLICY, createdAt: 2000 }))
    assert.equal(await settledAt(), 2000)
  })

  test('another schedule begins when it is saved; the same one saved again changes nothing of it', async () => {
    const { catalog, settledAt } = await withPolicy(3)
    await catalog.changePolicy('pg-1', () => ({ ...asking({}), releasedKeep: 'Latest' }), { at: 500 })
    assert.equal(await settledAt(), 3)
    await catalog.changePolicy('pg-1', () => asking({ everyMinutes: 30 }), { at: 600 })
    assert.equal(await settledAt(), 600)
    assert.equal(await catalog.addAutomated(AUTOMATED, 550, 3), undefined)
  })

  test('a schedule is settled without a backup when the clock went back, once', async () => {
    const { catalog, settledAt } = await withPolicy(9000)
    assert.deepEqual(await Promise.all([1, 2].map(() => catalog.resettle('pg-1', 1000, 9000))), [true, false])
    assert.equal(await settledAt(), 1000)
    assert.equal(await catalog.settledOf('pg-1'), 1000)
    assert.equal(await catalog.settledOf('pg-9'), undefined)
    assert.equal(await catalog.resettle('pg-9', 1000, 9000), false)
  })

  test('schedules are settled in a catalog that is moved as they were', async () => {
    const { catalog } = await withPolicy(3)
    await catalog.addAutomated(AUTOMATED, 1000, 3)
    const into = await harness.open()
    await into.load(await catalog.dump())
    assert.deepEqual(await into.scheduled(), await catalog.scheduled())
    await refused(into.addTask(AUTOMATED), 'locked')
  })
}
