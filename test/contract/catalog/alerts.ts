import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert, Condition } from '../../../src/core/alert.ts'
import { DEFAULT_POLICY } from '../../../src/core/policy.ts'
import { DEFAULT_SETTINGS } from '../../../src/core/instance.ts'
import { backupSet, claim, instance, withSets, type Part } from './fixture.ts'

const condition = (subject: string, over: Partial<Condition> = {}): Condition => ({
  kind: 'backup-failed',
  subject,
  instanceId: subject,
  what: `${subject} is wrong`,
  hint: 'mend it',
  ...over,
})
const all = { offset: 0, limit: 100 }
const DAY = 86_400_000

export const alertsContract: Part = (harness) => {
  const raised = async (...conditions: readonly Condition[]) => {
    const catalog = await harness.open()
    const alerts = await catalog.raiseAlerts(conditions, 1000)
    return { catalog, alerts }
  }

  test('one holder at a time has the turn, keeps it while it asks, and loses it when it stops', async () => {
    const catalog = await harness.open()
    const turns = await Promise.all(['a', 'b', 'c'].map((holder) => catalog.takeTurn('t', holder, harness.leaseMs)))
    assert.equal(turns.filter(Boolean).length, 1)
    const holder = ['a', 'b', 'c'][turns.indexOf(true)] ?? ''
    assert.equal(await catalog.takeTurn('t', holder, harness.leaseMs), true)
    assert.equal(await catalog.takeTurn('t', 'other', harness.leaseMs), false)
    assert.equal(await catalog.takeTurn('another', 'other', harness.leaseMs), true)
    await catalog.takeTurn('t', holder, 1)
    await harness.pass(50)
    assert.equal(await catalog.takeTurn('t', 'other', harness.leaseMs), true)
    assert.equal(await catalog.takeTurn('t', holder, harness.leaseMs), false)
  })

  test('an alert is raised once for a subject while it lasts, however many raise it', async () => {
    const catalog = await harness.open()
    const twice = await Promise.all([1, 2, 3].map(() => catalog.raiseAlerts([condition('pg-1'), condition('pg-2')], 5)))
    assert.equal(twice.flat().length, 2)
    const [first] = await catalog.openAlerts()
    assert.deepEqual(first, {
      ...condition('pg-1'),
      id: first?.id,
      raisedAt: 5,
      missingSince: undefined,
      resolvedAt: undefined,
      told: {},
    })
    const over = { ...(first as Alert), missingSince: 6, resolvedAt: 7 }
    await catalog.saveAlerts([{ ...over, open: false }], 7)
    assert.deepEqual(
      (await catalog.openAlerts()).map(({ subject }) => subject),
      ['pg-2'],
    )
    assert.equal((await catalog.raiseAlerts([condition('pg-1')], 8)).length, 1)
  })

  test('what became of an alert is kept, and one that is over stays open while somebody has to hear of it', async () => {
    const { catalog, alerts } = await raised(condition('pg-1'))
    const [alert] = alerts
    assert.ok(alert)
    const told = { webhook: { at: 1500, as: 'raised' } } as const
    const over = { ...alert, what: 'other words', missingSince: 1600, resolvedAt: 1700, told }
    await catalog.saveAlerts([{ ...over, open: true }], 1700)
    assert.deepEqual(await catalog.openAlerts(), [over])
    assert.deepEqual(await catalog.alertFigures(), [])
    await catalog.saveAlerts([{ ...over, open: false }], 1800)
    assert.deepEqual(await catalog.openAlerts(), [])
    assert.deepEqual((await catalog.alerts(all)).items, [over])
  })

  test('alerts are listed newest first, by kind, instances and whether they last, a page at a time', async () => {
    const { catalog } = await raised(condition('pg-1'), condition('pg-2'))
    const [key] = await catalog.raiseAlerts([condition('HF1', { kind: 'key-expiring', instanceId: undefined })], 2000)
    const subjects = async (query: object) => {
      const { total, items } = await catalog.alerts({ ...all, ...query })
      return [total, ...items.map(({ subject }) => subject)]
    }
    assert.deepEqual(await subjects({}), [3, 'HF1', 'pg-2', 'pg-1'])
    assert.deepEqual(await subjects({ offset: 1, limit: 1 }), [3, 'pg-2'])
    assert.deepEqual(await subjects({ kind: 'key-expiring' }), [1, 'HF1'])
    assert.deepEqual(await subjects({ instanceIds: ['pg-1', 'pg-3'] }), [1, 'pg-1'])
    assert.deepEqual(await subjects({ instanceIds: [] }), [0])
    assert.deepEqual(await catalog.alertFigures(), [
      { kind: 'backup-failed', count: 2 },
      { kind: 'key-expiring', count: 1 },
    ])
    await catalog.saveAlerts([{ ...(key as Alert), resolvedAt: 2100, open: false }], 2100)
    assert.deepEqual(await subjects({ resolved: true }), [1, 'HF1'])
    assert.deepEqual(await subjects({ resolved: false }), [2, 'pg-2', 'pg-1'])
  })

  test('alerts that were over long ago are forgotten, and those that last are not', async () => {
    const { catalog, alerts } = await raised(condition('pg-1'), condition('pg-2'))
    const [first, second] = alerts
    assert.ok(first && second)
    await catalog.saveAlerts([{ ...first, resolvedAt: 1000, open: false }], 1000)
    await catalog.saveAlerts([{ ...second, what: 'still', open: true }], 1000 + 90 * DAY)
    assert.equal((await catalog.alerts(all)).total, 2)
    await catalog.saveAlerts([{ ...second, open: true }], 1001 + 90 * DAY)
    assert.deepEqual((await catalog.alerts(all)).items, [second])
  })

  test('how it goes with each receiver is kept', async () => {
    const catalog = await harness.open()
    assert.deepEqual(await catalog.receivers(), [])
    const failing = { name: 'webhook', toldAt: undefined, failing: { since: 4, why: 'no answer' } }
    await catalog.saveReceiver(failing)
    assert.deepEqual(await catalog.receivers(), [failing])
    await catalog.saveReceiver({ name: 'webhook', toldAt: 9, failing: undefined })
    assert.deepEqual(await catalog.receivers(), [{ name: 'webhook', toldAt: 9, failing: undefined }])
  })

  test('an instance stands by its newest set and its newest good one; those being removed count for nothing', async () => {
    const catalog = await withSets(
      harness,
      backupSet(1, { startedAt: 1000, endedAt: 1500, consistentAt: 1400 }),
      backupSet(2, { startedAt: 2000, endedAt: 2500, damage: 'a bit is wrong' }),
      backupSet(3, { startedAt: 3000, endedAt: 3500, available: false }),
      backupSet(4, { status: 'Failed', reason: 'no host', manifestKey: undefined, startedAt: 4000, endedAt: 4500 }),
      backupSet(5, { startedAt: 5000, endedAt: 5500 }),
    )
    await catalog.removeSets('pg-1', ['5'])
    await catalog.addInstance(instance('pg-0', { settings: { ...DEFAULT_SETTINGS, rpoSeconds: 60 }, createdAt: 7 }))
    await catalog.addInstance(instance('pg-2', { policy: DEFAULT_POLICY, createdAt: 8 }))
    await catalog.addInstance(instance('pg-3'))
    await catalog.deregisterInstance('pg-3', 9)
    const standings = await catalog.standings()
    const { createdAt } = instance('pg-1')
    assert.deepEqual(standings, [
      { instanceId: 'pg-0', createdAt: 7, rpoSeconds: 60 },
      {
        instanceId: 'pg-1',
        createdAt,
        rpoSeconds: 0,
        last: { id: '4', failed: true, reason: 'no host', endedAt: 4500 },
        good: { startedAt: 1000, consistentAt: 1400 },
      },
      { instanceId: 'pg-2', createdAt: 8, rpoSeconds: 0, policy: { policy: DEFAULT_POLICY, changedAt: 8 } },
    ])
    assert.deepEqual(await catalog.damagedSets(), [{ id: '2', instanceId: 'pg-1', damage: 'a bit is wrong' }])
  })

  test('a set is damaged from the check that finds it to the one that does not', async () => {
    const catalog = await withSets(harness, backupSet(1))
    const verify = async (damage: string | undefined) => {
      await catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '1', request: {} })
      const lease = await claim(catalog, 'verify', harness.leaseMs)
      await catalog.noteVerified(lease, '1', { at: 5, damage })
      await catalog.finishTask(lease, {})
    }
    await verify('gone')
    assert.deepEqual(await catalog.damagedSets(), [{ id: '1', instanceId: 'pg-1', damage: 'gone' }])
    await verify(undefined)
    assert.deepEqual(await catalog.damagedSets(), [])
  })
}
