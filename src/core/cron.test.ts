import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { wallOf } from '../lib/zone.ts'
import { cronProblem, latestCron, nextCron, type CronTimes } from './cron.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const at = (iso: string) => Date.parse(iso)
const times = (cron: CronTimes, from: string, count: number) => {
  const found: string[] = []
  let moment: number | undefined = at(from)
  while (found.length < count && (moment = nextCron(cron, moment)) !== undefined) found.push(iso(moment))
  return found
}
const iso = (moment: number) => new Date(moment).toISOString().slice(0, 16)
const berlin = (expression: string): CronTimes => ({ expression, timeZone: 'Europe/Berlin' })

/** Zones and the days around which their clocks are changed. */
const CHANGES = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  // At midnight.
  ['America/Santiago', '2026-09-06'],
  ['America/Santiago', '2026-04-05'],
  ['Africa/Cairo', '2026-04-24'],
  ['Asia/Kolkata', '2026-05-05'],
] as const

interface Fields {
  readonly minute: string
  readonly hour: string
  readonly weekday: string
}

const inField = (field: string, value: number): boolean =>
  field === '*' ||
  (field.startsWith('*/') ? value % Number(field.slice(2)) === 0 : field.split(',').includes(String(value)))

const shows = ({ minute, hour, weekday }: Fields, wall: number) =>
  inField(minute, (wall / MINUTE) % 60) &&
  inField(hour, Math.floor(wall / (60 * MINUTE)) % 24) &&
  inField(weekday, (Math.floor(wall / DAY) + 4) % 7)

/** Each minute of a while is looked at: what the words of nextCron say, done the long way. */
function naive(fields: Fields, timeZone: string, from: number, to: number): number[] {
  const found: number[] = []
  const shown = new Set<number>()
  for (let minute = from - DAY; minute <= to; minute += MINUTE) {
    const wall = wallOf(minute, timeZone)
    const skipped = []
    for (let one = wallOf(minute - MINUTE, timeZone) + MINUTE; one < wall; one += MINUTE) skipped.push(one)
    const again = shown.has(wall)
    shown.add(wall)
    const comes =
      fields.hour === '*'
        ? shows(fields, wall)
        : (!again && shows(fields, wall)) || skipped.some((one) => shows(fields, one))
    if (comes && minute > from) found.push(minute)
  }
  return found
}

const field = (most: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 2, max: Math.min(most, 30) }).map((step) => `*/${step}`),
    fc.uniqueArray(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
  )
/** Seldom enough that days pass between two, and often enough that the hours of a change are met. */
const fields: fc.Arbitrary<Fields> = fc.record({
  minute: fc.oneof(field(59), fc.constantFrom('0', '30', '15,45')),
  hour: fc.oneof(field(23), fc.constantFrom('0', '1', '2', '3', '23')),
  weekday: fc.constantFrom('*', '*', '0', '6', '0,1'),
})

suite('cron', () => {
  test('comes as on the walls of its zone, minute for minute, also where their clocks are changed', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...CHANGES), fc.integer({ min: -1440, max: 1440 }), (some, change, shift) => {
        const [timeZone, day] = change
        const from = at(`${day}T00:00:00Z`) + shift * MINUTE - DAY
        const to = from + 2 * DAY
        const cron = { expression: `${some.minute} ${some.hour} * * ${some.weekday}`, timeZone }
        const expected = naive(some, timeZone, from, to)
        const found: number[] = []
        let next = nextCron(cron, from)
        for (; next !== undefined && next <= to && found.length < 40; next = nextCron(cron, next)) found.push(next)
        assert.deepEqual(found.map(iso), expected.slice(0, 40).map(iso), JSON.stringify(cron))
        assert.equal(latestCron(cron, from, to), expected.at(-1), JSON.stringify(cron))
      }),
      { numRuns: 40 },
    )
  })

  test('a time that is skipped comes when it is skipped, and one that comes twice counts once', () => {
    assert.deepEqual(times(berlin('30 2 * * *'), '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:30'])
    assert.deepEqual(times(berlin('*/30 2 * * *'), '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:00'])
    assert.deepEqual(times(berlin('30 2 * * *'), '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30'])
  })

  test('every hour is every hour that passes', () => {
    assert.deepEqual(times(berlin('15 * * * *'), '2026-10-25T00:00Z', 3), [
      '2026-10-25T00:15',
      '2026-10-25T01:15',
      '2026-10-25T02:15',
    ])
    assert.deepEqual(times(berlin('15 * * * *'), '2026-03-29T00:00Z', 2), ['2026-03-29T00:15', '2026-03-29T01:15'])
  })

  test('a day of the month or of the week will do when both are named', () => {
    const cron = { expression: '0 0 13 * FRI', timeZone: 'UTC' }
    assert.deepEqual(times(cron, '2026-01-09T12:00Z', 3), ['2026-01-13T00:00', '2026-01-16T00:00', '2026-01-23T00:00'])
  })

  test('what is wrong with one is said in plain words', () => {
    const problem = (expression: string, timeZone = 'UTC') =>
      cronProblem({ expression, timeZone }, at('2026-01-01T00:00Z'))
    for (const good of ['0 2 * * *', '*/5 1-3 1,15 JAN-MAR mon', ' 0  2 * * 7 ']) assert.equal(problem(good), undefined)
    for (const bad of [
      '',
      '* * * *',
      '0 0 2 * * *',
      '@daily',
      '0 2 L * *',
      '0 2 * * MON#1',
      '0 2 ? * *',
      'a b c d e',
    ]) {
      assert.match(problem(bad) ?? '', /five fields/, bad)
    }
    assert.match(problem('60 2 * * *') ?? '', /minute: 60/)
    assert.match(problem('0 2 30 2 *') ?? '', /never/)
    assert.match(problem('0 2 * * *', 'Mars/Base') ?? '', /Mars\/Base is no time zone/)
  })
})
