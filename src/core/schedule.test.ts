import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_POLICY, WEEKDAYS, type Schedule } from './policy.ts'
import { createOutlook, dueNow, markOf, nextDue, settledAt } from './schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const at = (iso: string) => Date.parse(iso)
const weekly = (days: Schedule['weekly']['days'], from: number, to: number): Schedule => ({
  enabled: true,
  weekly: { days, from, to },
})
const never = weekly([], 0, 60)

/** Where the instance lies in a window of `minutes`, found out by its next start in one. */
const placeOf = (instanceId: string, from: number, to: number) =>
  (nextDue(weekly(WEEKDAYS, from, to), instanceId, at('2026-01-05T00:00:00Z') + from * MINUTE - 1) ?? 0) -
  at('2026-01-05T00:00:00Z') -
  from * MINUTE

/** Minute by minute, the long way: every window's start between two moments. */
function naiveStarts(schedule: Schedule, instanceId: string, from: number, to: number): number[] {
  const { days, from: opens, to: closes } = schedule.weekly
  const place = placeOf(instanceId, opens, closes)
  const starts = []
  for (let minute = Math.floor(from / MINUTE) * MINUTE - 2 * DAY; minute <= to; minute += MINUTE) {
    if (minute % DAY !== opens * MINUTE) continue
    const weekday = new Date(minute).toLocaleDateString('en-US', { weekday: 'long', timeZone: 'UTC' })
    const opensNow = days.some((day) => day === weekday)
    if (opensNow && minute + place > from && minute + place <= to) starts.push(minute + place)
  }
  return starts
}

const schedules = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
    from: fc.integer({ min: 0, max: 1439 }),
    to: fc.integer({ min: 0, max: 1440 }),
  })
  .map(({ days, from, to }) => weekly(days, from, to))
const instances = fc.string({ minLength: 1, maxLength: 20 })
const moments = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2026-06-01T00:00:00Z') })

suite('a weekly schedule', () => {
  test('starts once in each window of its days, by a naive count of minutes', () => {
    fc.assert(
      fc.property(schedules, instances, moments, (schedule, id, from) => {
        const to = from + 9 * DAY
        const starts = naiveStarts(schedule, id, from, to)
        assert.equal(nextDue(schedule, id, from), starts[0])
        assert.equal(dueNow(schedule, id, from, to), starts.at(-1))
      }),
      { numRuns: 40 },
    )
  })

  test('has its start inside its window, always the same, also in one that ends on the next day', () => {
    fc.assert(
      fc.property(schedules, instances, ({ weekly: { from, to } }, id) => {
        const place = placeOf(id, from, to)
        assert.ok(place >= 0 && place < (to > from ? to - from : to - from + 1440) * MINUTE)
        assert.equal(placeOf(id, from, to), place)
      }),
    )
  })

  test('spreads a fleet evenly over its window', () => {
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let count = 0; count < 1000; count++) {
      const tenth = Math.floor(placeOf(`pg-${count}`, 17 * 60, 18 * 60) / (6 * MINUTE))
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    assert.ok(
      tenths.every((count) => count > 60 && count < 140),
      tenths.join(' '),
    )
  })

  test('comes never without days, and when it is switched off', () => {
    const { schedule } = DEFAULT_POLICY
    assert.equal(nextDue(never, 'pg-1', 0), undefined)
    assert.equal(nextDue({ ...schedule, enabled: false, everyMinutes: 5 }, 'pg-1', 0), undefined)
    assert.equal(dueNow({ ...schedule, enabled: false }, 'pg-1', 0, at('2026-01-01T00:00:00Z')), undefined)
  })
})

suite('backups every so many minutes', () => {
  const every: Schedule = { ...never, everyMinutes: 30 }
  const start = at('2026-01-01T00:00:00Z')

  test('come when so many have passed since the last', () => {
    assert.equal(nextDue(every, 'pg-1', start), start + 30 * MINUTE)
    assert.equal(dueNow(every, 'pg-1', start, start + 30 * MINUTE - 1), undefined)
    assert.equal(dueNow(every, 'pg-1', start, start + 30 * MINUTE + 20_000), start + 30 * MINUTE)
  })

  test('begin anew after downtime: no two follow each other closely', () => {
    const late = start + 20 * DAY + 17 * MINUTE
    assert.equal(dueNow(every, 'pg-1', start, late), late)
    assert.equal(nextDue(every, 'pg-1', late), late + 30 * MINUTE)
  })

  test('come beside the weekly ones, and are counted from those too', () => {
    const both: Schedule = { ...weekly(['Thursday'], 20, 21), everyMinutes: 30 }
    const first = nextDue(both, 'pg-1', start) ?? 0
    assert.equal(Math.floor((first - start) / MINUTE), 20)
    assert.equal(nextDue(both, 'pg-1', first), first + 30 * MINUTE)
  })
})

suite('cron', () => {
  test('comes instead of the week and the interval', () => {
    const cron = { expression: '30 2 * * *', timeZone: 'Europe/Berlin' }
    const schedule: Schedule = { ...DEFAULT_POLICY.schedule, everyMinutes: 5, cron }
    assert.equal(nextDue(schedule, 'pg-1', at('2026-01-01T12:00:00Z')), at('2026-01-02T01:30:00Z'))
    assert.equal(
      dueNow(schedule, 'pg-1', at('2026-01-01T12:00:00Z'), at('2026-02-01T12:00:00Z')),
      at('2026-02-01T01:30:00Z'),
    )
  })
})

test('a cron that cannot be read comes never', () => {
  for (const cron of [
    { expression: '0 0 L * *', timeZone: 'UTC' },
    { expression: '0 0 * * *', timeZone: 'Mars/Base' },
  ]) {
    assert.equal(nextDue({ ...never, cron }, 'pg-1', 0), undefined)
    assert.equal(dueNow({ ...never, cron }, 'pg-1', 0, at('2026-01-01T00:00:00Z')), undefined)
  }
})

test('an outlook tells what is due next, also after the schedule changed or was settled further', () => {
  const outlook = createOutlook()
  const start = at('2026-01-01T00:00:00Z')
  const asked = (everyMinutes: number, settled: number, instanceId = 'pg-1') =>
    outlook({ instanceId, policy: { schedule: { ...never, everyMinutes } }, settledAt: settled })
  assert.equal(asked(30, start), start + 30 * MINUTE)
  assert.equal(asked(30, start), start + 30 * MINUTE)
  assert.equal(asked(60, start), start + 60 * MINUTE)
  assert.equal(asked(60, start + HOUR), start + 2 * HOUR)
  assert.equal(asked(30, start, 'pg-2'), start + 30 * MINUTE)
})

suite('a clock that moves', () => {
  const anySchedule: fc.Arbitrary<Schedule> = fc.oneof(
    schedules,
    fc.constantFrom<Schedule>({ ...never, everyMinutes: 60 }, { ...weekly(WEEKDAYS, 60, 120), everyMinutes: 240 }),
    fc
      .constantFrom('30 2 * * *', '0 */6 * * *', '15 * * * *')
      .map((expression): Schedule => ({ ...never, cron: { expression, timeZone: 'Europe/Berlin' } })),
  )
  /** What a scheduler does at each of these moments: gives the starts it made, as [moment for which, moment when]. */
  const play = (schedule: Schedule, from: number, looks: readonly number[]) => {
    let settled = from
    const made: [number, number][] = []
    for (const now of looks) {
      settled = settledAt(settled, now)
      const due = dueNow(schedule, 'pg-1', settled, now)
      if (due !== undefined) made.push([(settled = due), now])
    }
    return made
  }

  test('however long nobody looked, one backup is made, for the last moment that was missed, and then all is as before', () => {
    fc.assert(
      fc.property(anySchedule, moments, fc.integer({ min: 1, max: 40 * 24 }), (schedule, from, hours) => {
        const back = from + hours * HOUR
        const missed = play(schedule, from, [back, back, back + 1])
        assert.ok(missed.length <= 1)
        const next = nextDue(schedule, 'pg-1', from) ?? 0
        assert.equal(missed.length === 1, next <= back)
        const settled = missed[0]?.[0] ?? from
        assert.ok((nextDue(schedule, 'pg-1', settled) ?? 0) > back)
      }),
      { numRuns: 60 },
    )
  })

  test('no moment gets two backups, and none goes without for long, however the clock jumps', () => {
    const jumps = fc.array(fc.integer({ min: -30 * 24 * 60, max: 30 * 24 * 60 }), { maxLength: 4 })
    fc.assert(
      fc.property(anySchedule, moments, jumps, (schedule, from, minutes) => {
        let [now, settled] = [from, from]
        for (const jump of [...minutes, 0]) {
          now += jump * MINUTE
          let made = 0
          const seen = new Set<number>()
          // A fortnight of a scheduler that looks each quarter of an hour.
          for (const end = now + 14 * DAY; now < end; now += 15 * MINUTE) {
            settled = settledAt(settled, now)
            const due = dueNow(schedule, 'pg-1', settled, now)
            if (due === undefined) continue
            assert.ok(due > settled && due <= now && !seen.has(due))
            seen.add((settled = due))
            made++
          }
          assert.ok(made >= 1, 'a week has a backup')
        }
      }),
      { numRuns: 15 },
    )
  })

  test('one that goes back by minutes makes none again; by days, what it comes by again', () => {
    const schedule = weekly(WEEKDAYS, 60, 61)
    const noon = at('2026-01-05T01:02:00Z')
    const [[due] = [0]] = play(schedule, noon - DAY + 2 * MINUTE, [noon])
    assert.deepEqual(play(schedule, due, [noon - 40 * MINUTE, noon]), [])
    assert.equal(play(schedule, due, [noon - 2 * DAY, noon - DAY]).length, 1)
  })
})

test('schedules are told apart by what they say, not by the order of their words', () => {
  const { schedule } = DEFAULT_POLICY
  assert.equal(
    markOf(schedule),
    markOf({ weekly: { to: 1080, from: 1020, days: WEEKDAYS.toReversed() }, enabled: true }),
  )
  for (const other of [
    { everyMinutes: 30 },
    { enabled: false },
    { cron: { expression: '0 0 * * *', timeZone: 'UTC' } },
  ]) {
    assert.notEqual(markOf(schedule), markOf({ ...schedule, ...other }))
  }
})
