import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { NEVER } from './backup-set.ts'
import { DEFAULT_POLICY, UNTOUCHED_POLICY, type Retention } from './policy.ts'
import {
  earliestEnd,
  retain,
  retainReleased,
  retainSegments,
  type RetainedSegment,
  type RetainedSet,
} from './retention.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const NOW = Date.parse('2026-11-23T12:00:00Z')

const set = (id: number, daysAgo: number, over: Partial<RetainedSet> = {}): RetainedSet => ({
  id: String(id),
  status: 'Success',
  startedAt: NOW - daysAgo * DAY,
  consistentAt: NOW - daysAgo * DAY + HOUR / 2,
  parentId: undefined,
  available: true,
  ...over,
})

const NONE = { daily: 0, weekly: 0, monthly: 0, yearly: 0 }
const policy = (over: Partial<Retention> = {}): Retention => ({
  days: 7,
  count: 0,
  generations: NONE,
  minimum: 1,
  ...over,
})

const kept = (sets: readonly RetainedSet[], retention: Retention) =>
  retain(sets, retention, NOW).flatMap((verdict) => (verdict.kept ? [verdict.set.id] : []))

suite('retention', () => {
  test('by age: what is younger stays, and the last good set whatever its age', () => {
    assert.deepEqual(kept([set(1, 9), set(2, 6.9), set(3, 7.1)], policy()), ['2'])
    assert.deepEqual(kept([set(1, 30), set(2, 20)], policy()), ['2'])
    assert.deepEqual(kept([set(1, 900)], policy({ days: undefined })), ['1'])
  })

  test('the last good set stays while newer ones failed, came damaged or only in part', () => {
    const newer = [
      set(2, 12, { status: 'Failed' }),
      set(3, 11, { available: false }),
      set(4, 10, { damage: 'a bit is wrong' }),
    ]
    assert.deepEqual(kept([set(1, 20), ...newer], policy()), ['1'])
  })

  test('by count, and by a larger minimum', () => {
    const sets = [1, 2, 3, 4].map((id) => set(id, 40 - id))
    assert.deepEqual(kept(sets, policy({ count: 3 })), ['4', '3', '2'])
    assert.deepEqual(kept(sets, policy({ minimum: 2 })), ['4', '3'])
  })

  test('the newest of each day, week, month and year', () => {
    const sets = [set(1, 400), set(2, 370), set(3, 45), set(4, 40), set(5, 15), set(6, 14.9), set(7, 13)]
    assert.deepEqual(kept(sets, policy({ generations: { ...NONE, daily: 2 } })), ['7', '6'])
    assert.deepEqual(kept(sets, policy({ generations: { ...NONE, monthly: 3 } })), ['7', '4', '2'])
    assert.deepEqual(kept(sets, policy({ generations: { ...NONE, yearly: 5 } })), ['7', '2'])
    assert.match(
      retain(sets, policy({ generations: { ...NONE, weekly: 9 } }), NOW)[1]?.reason ?? '',
      /newest of its week/,
    )
  })

  test('a pin and an end of its own come before the policy, but not before the minimum', () => {
    const sets = [
      set(1, 30, { pinned: true }),
      set(2, 29, { expiresAt: NOW + 1 }),
      set(3, 28, { expiresAt: NEVER }),
      set(4, 2, { expiresAt: NOW }),
      set(5, 1, { expiresAt: NOW - 1 }),
    ]
    assert.deepEqual(kept(sets, policy()), ['5', '3', '2', '1'])
  })

  test('what a set that stays adds to stays, with the reason', () => {
    const sets = [set(1, 12), set(2, 10, { parentId: '1' }), set(3, 6, { parentId: '2' })]
    const verdicts = retain(sets, policy(), NOW)
    assert.deepEqual(
      verdicts.map(({ reason }) => reason),
      ['is younger than 7 days', 'is needed by set 3', 'is needed by set 3'],
    )
  })

  test('of an instance that is no longer registered, all stay, or the newest, or as before', () => {
    const sets = [set(1, 12), set(2, 3), set(3, 2)]
    const released = (releasedKeep: 'All' | 'Latest' | 'None') =>
      retainReleased(sets, { ...DEFAULT_POLICY, releasedKeep }, NOW).filter((verdict) => verdict.kept).length
    assert.deepEqual([released('All'), released('Latest'), released('None')], [3, 1, 2])
  })

  test('a policy that nobody wrote removes nothing', () => {
    const sets = [set(1, 5000), set(2, 4000, { status: 'Failed' })]
    assert.ok(retain(sets, UNTOUCHED_POLICY.retention, NOW).every((verdict) => verdict.kept))
  })
})

/** Any sets: chains of increments, failures, pins, ends of their own. */
const histories = fc
  .array(
    fc.record({
      daysAgo: fc.integer({ min: 0, max: 800 }),
      status: fc.constantFrom('Success' as const, 'Success' as const, 'Failed' as const),
      available: fc.boolean(),
      damaged: fc.boolean(),
      pinned: fc.boolean(),
      own: fc.constantFrom(undefined, undefined, undefined, NEVER, NOW - 1, NOW + DAY),
      addsTo: fc.nat(),
      full: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((drawn) => {
    const sorted = drawn.toSorted((a, b) => b.daysAgo - a.daysAgo)
    return sorted.map((one, index) =>
      set(index + 1, one.daysAgo, {
        status: one.status,
        available: one.available || one.full,
        ...(one.damaged && !one.full ? { damage: 'wrong' } : {}),
        ...(one.pinned && !one.full ? { pinned: true } : {}),
        ...(one.own === undefined ? {} : { expiresAt: one.own }),
        parentId: one.full || index === 0 || one.status === 'Failed' ? undefined : String((one.addsTo % index) + 1),
      }),
    )
  })

const retentions = fc.record({
  days: fc.option(fc.integer({ min: 0, max: 730 }), { nil: undefined }),
  count: fc.nat({ max: 5 }),
  generations: fc.record({
    daily: fc.nat({ max: 8 }),
    weekly: fc.nat({ max: 5 }),
    monthly: fc.nat({ max: 14 }),
    yearly: fc.nat({ max: 3 }),
  }),
  minimum: fc.integer({ min: 1, max: 3 }),
})

/** The ids that stay, worked out another way: rule by rule, each over all sets, dependents until nothing more is added. */
function model(sets: readonly RetainedSet[], retention: Retention): Set<string> {
  const stay = new Set<string>()
  const good = sets
    .filter((one) => one.status === 'Success' && one.available && one.damage === undefined)
    .toSorted((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id))
  for (const one of sets) {
    if (one.pinned || (one.expiresAt !== undefined && one.expiresAt > NOW)) stay.add(one.id)
    if (one.expiresAt !== undefined) continue
    if (retention.days === undefined || NOW - one.startedAt < retention.days * DAY) stay.add(one.id)
    if (good.slice(0, retention.count).includes(one)) stay.add(one.id)
  }
  const iso = (moment: number) => new Date(moment).toISOString()
  const monday = (moment: number) => iso(moment - ((new Date(moment).getUTCDay() + 6) % 7) * DAY).slice(0, 10)
  for (const [most, periodOf] of [
    [retention.generations.daily, (at: number) => iso(at).slice(0, 10)],
    [retention.generations.weekly, monday],
    [retention.generations.monthly, (at: number) => iso(at).slice(0, 7)],
    [retention.generations.yearly, (at: number) => iso(at).slice(0, 4)],
  ] as const) {
    const groups = Map.groupBy(
      good.filter((one) => one.expiresAt === undefined),
      (one) => periodOf(one.startedAt),
    )
    const newest = [...groups.keys()].toSorted().toReversed().slice(0, most)
    for (const period of newest) stay.add(groups.get(period)?.[0]?.id ?? '')
  }
  for (const one of good.slice(0, retention.minimum)) stay.add(one.id)
  for (let size = -1; size !== stay.size;) {
    size = stay.size
    for (const one of sets) if (stay.has(one.id) && one.parentId !== undefined) stay.add(one.parentId)
  }
  return stay
}

test('the earliest end of a set is that of its age, where nothing else is known of it', () => {
  const retention = policy({ days: 7 })
  const end = (over: Partial<RetainedSet>, releasedKeep: 'All' | 'Latest' | 'None' = 'All', released = false) =>
    earliestEnd(set(1, 0, over), { retention, releasedKeep }, released)
  const { startedAt } = set(1, 0)
  assert.equal(end({}), startedAt + 7 * DAY)
  for (const over of [{ pinned: true }, { expiresAt: NEVER }, { expiresAt: NOW }]) assert.equal(end(over), undefined)
  assert.deepEqual(
    (['All', 'Latest', 'None'] as const).map((keep) => end({}, keep, true)),
    [undefined, undefined, startedAt + 7 * DAY],
  )
  assert.equal(earliestEnd(set(1, 0), UNTOUCHED_POLICY, false), undefined)
})

suite('retention, over random histories', () => {
  test('keeps exactly what the rules say, one by one', () => {
    fc.assert(
      fc.property(histories, retentions, (sets, retention) => {
        assert.deepEqual(new Set(kept(sets, retention)), model(sets, retention))
      }),
      { numRuns: 2000 },
    )
  })

  test('no set without an end of its own goes before its earliest end, and none that has no such end', () => {
    fc.assert(
      fc.property(histories, retentions, fc.integer({ min: 0, max: 900 }), (sets, retention, daysOn) => {
        const later = NOW + daysOn * DAY
        for (const { set: one, kept: stays } of retain(sets, retention, later)) {
          if (stays || one.expiresAt !== undefined) continue
          const end = earliestEnd(one, { retention, releasedKeep: 'All' }, false)
          assert.ok(end !== undefined && end <= later)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('no ancestor of a kept set goes, and never the last good one', () => {
    fc.assert(
      fc.property(histories, retentions, (sets, retention) => {
        const stay = new Set(kept(sets, retention))
        for (const one of sets) {
          if (stay.has(one.id) && one.parentId !== undefined) assert.ok(stay.has(one.parentId))
        }
        const good = sets.filter((one) => one.status === 'Success' && one.available && one.damage === undefined)
        assert.ok(good.length === 0 || good.some((one) => stay.has(one.id)))
      }),
    )
  })

  test('day after day: what goes never comes to be needed later, and no log that a kept set needs goes', () => {
    const days = fc.array(fc.record({ ok: fc.boolean(), adds: fc.boolean() }), { minLength: 1, maxLength: 60 })
    const logs = fc.record({ enabled: fc.boolean(), days: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(days, retentions, logs, (outcomes, retention, log) => {
        let sets: RetainedSet[] = []
        let segments: RetainedSegment[] = []
        outcomes.forEach(({ ok, adds }, day) => {
          const now = NOW + day * DAY
          const parent = sets.findLast((one) => one.status === 'Success')
          sets.push({
            ...set(day + 1, 0),
            status: ok ? 'Success' : 'Failed',
            startedAt: now - HOUR,
            consistentAt: ok ? now - HOUR / 2 : undefined,
            parentId: ok && adds ? parent?.id : undefined,
          })
          for (let hour = 23; hour >= 0; hour -= 1) {
            const from = now - (hour + 1) * HOUR
            segments.push({ id: String(from), from, to: from + HOUR })
          }
          const hadGood = sets.some((one) => one.status === 'Success')
          sets = retain(sets, retention, now)
            .filter((verdict) => verdict.kept)
            .map((verdict) => verdict.set)
            .toReversed()
          const before = segments
          const stay = retainSegments(segments, sets, log, now)
          segments = segments.filter(({ id }) => stay.has(id))
          assert.equal(
            sets.some((one) => one.status === 'Success'),
            hadGood,
          )
          for (const one of sets) {
            assert.ok(one.parentId === undefined || sets.some(({ id }) => id === one.parentId))
            const needed = ({ from, to }: RetainedSegment) =>
              one.status === 'Success' && to >= one.startedAt && from <= (one.consistentAt ?? 0)
            assert.ok(before.filter(needed).every(({ id }) => stay.has(id)))
          }
          const whole = segments.toSorted((a, b) => a.from - b.from)
          const newest = whole.at(-1)
          if (!log.enabled || !hadGood || !newest) return
          // From the set that reaches back behind the days of log, or the oldest, there is no gap up to now.
          const reach = now - log.days * DAY
          const base = sets.findLast((one) => one.status === 'Success' && (one.consistentAt ?? 0) <= reach)
          const first = base ?? sets.find((one) => one.status === 'Success')
          const chain = before.filter(({ to }) => to >= (first?.startedAt ?? 0))
          assert.ok(chain.every(({ id }) => stay.has(id)))
        })
      }),
      { numRuns: 200 },
    )
  })
})
