import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  follow,
  isOpen,
  mayTell,
  noticeOf,
  toldOf,
  type Alert,
  type AlertKind,
  type AlertRules,
  type Condition,
  type Notice,
} from './alert.ts'

const RULES: AlertRules = { repeatMs: 600, gapMs: 50, settleMs: 100 }
const LOOK = 10

const condition = (subject: string, kind: AlertKind = 'backup-failed'): Condition => ({
  kind,
  subject,
  instanceId: subject,
  what: `${subject} is wrong`,
  hint: 'mend it',
})

interface Sent {
  readonly at: number
  readonly notices: readonly { readonly notice: Notice; readonly alert: string; readonly subject: string }[]
}

/** Alerts as they go through looks, `LOOK` apart, and what one receiver gets; `takes` says whether he takes a message. */
function play(looks: readonly (readonly string[])[], takes: (look: number) => boolean = () => true) {
  let alerts: readonly Alert[] = []
  let toldAt: number | undefined
  const sent: Sent[] = []
  const history: (readonly Alert[])[] = []
  let given = 0
  for (const [at, subjects] of looks.entries()) {
    const now = at * LOOK
    const found = { conditions: subjects.map((subject) => condition(subject)), unknown: new Set<AlertKind>() }
    const { raised, changed } = follow(alerts, found, now, RULES)
    const fresh = raised.map((one): Alert => ({
      ...one,
      id: String(++given),
      raisedAt: now,
      missingSince: undefined,
      resolvedAt: undefined,
      told: {},
    }))
    const all = new Map([...alerts, ...changed, ...fresh].map((alert) => [alert.id, alert]))
    const due = [...all.values()].flatMap((alert) => {
      const notice = noticeOf(alert, 'me', now, RULES)
      return notice === undefined ? [] : [{ notice, alert }]
    })
    if (due.length > 0 && mayTell(toldAt, now, RULES) && takes(at)) {
      toldAt = now
      sent.push({
        at: now,
        notices: due.map(({ notice, alert }) => ({ notice, alert: alert.id, subject: alert.subject })),
      })
      for (const { alert } of due) all.set(alert.id, toldOf(alert, 'me', now))
    }
    history.push([...all.values()])
    alerts = [...all.values()].filter((alert) => isOpen(alert, ['me']))
  }
  return { sent, history, alerts }
}

/** Looks of some subjects, each there in runs of random length. */
const histories = fc
  .array(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((runs) => {
    const columns = runs.map((column) => column.flatMap(([there, length]) => Array.from({ length }, () => there)))
    const length = Math.max(...columns.map((column) => column.length))
    return Array.from({ length }, (_, at) => columns.flatMap((column, who) => (column[at] ? [`pg-${who}`] : [])))
  })

suite('alerts', () => {
  test('a condition is told once, again while it lasts, and when it is over', () => {
    const there = Array.from({ length: 70 }, () => ['pg-1'])
    const gone = Array.from({ length: 20 }, () => [])
    const { sent, alerts } = play([...there, ...gone])
    assert.deepEqual(
      sent.map(({ at, notices }) => [at, ...notices.map(({ notice }) => notice)]),
      [
        [0, 'raised'],
        [600, 'repeated'],
        [800, 'resolved'],
      ],
    )
    assert.deepEqual(alerts, [])
  })

  test('what comes and goes faster than it settles is one alert', () => {
    const looks = Array.from({ length: 40 }, (_, at) => (at % 5 < 2 ? ['pg-1'] : []))
    assert.equal(
      new Set(
        play(looks)
          .history.flat()
          .map(({ id }) => id),
      ).size,
      1,
    )
  })

  test('many at once are one message, and those that trickle in are gathered', () => {
    const all = Array.from({ length: 30 }, (_, who) => `pg-${who}`)
    assert.deepEqual(
      play([all]).sent.map(({ notices }) => notices.length),
      [30],
    )
    const trickle = Array.from({ length: 30 }, (_, at) => all.slice(0, at + 1))
    assert.deepEqual(
      play(trickle).sent.map(({ notices }) => notices.length),
      [1, 5, 5, 5, 5, 5],
    )
  })

  test('what could not be looked for stays as it is', () => {
    const { alerts } = play([['pg-1']])
    const found = { conditions: [], unknown: new Set<AlertKind>(['backup-failed']) }
    assert.deepEqual(follow(alerts, found, 1_000_000, RULES), { raised: [], changed: [] })
  })

  test('what lasts unchanged is not written again', () => {
    const { alerts } = play([['pg-1']])
    const found = { conditions: [condition('pg-1')], unknown: new Set<AlertKind>() }
    assert.deepEqual(follow(alerts, found, 50, RULES), { raised: [], changed: [] })
  })

  test('what a receiver was never told of is over in silence', () => {
    const looks = [['pg-1'], ...Array.from({ length: 20 }, () => [])]
    const { sent, alerts } = play(looks, () => false)
    assert.deepEqual([sent, alerts], [[], []])
  })

  test('a clock that goes back neither holds a message up nor ends an alert early', () => {
    assert.equal(mayTell(1_000_000, 5, RULES), true)
    const [alert] = play([['pg-1']]).alerts
    assert.ok(alert)
    const missing = { ...alert, missingSince: 1_000_000 }
    const none = { conditions: [], unknown: new Set<AlertKind>() }
    assert.deepEqual(follow([missing], none, 5, RULES).changed, [{ ...alert, missingSince: 5 }])
  })

  test('no two messages come within the gap, whatever happens', () => {
    fc.assert(
      fc.property(histories, (looks) => {
        const { sent } = play(looks)
        for (const [at, message] of sent.entries()) {
          const before = sent[at - 1]
          if (before) assert.ok(message.at - before.at >= RULES.gapMs)
        }
      }),
    )
  })

  test('whatever lasts is told within the gap, and again within the time to repeat and the gap', () => {
    fc.assert(
      fc.property(histories, (looks) => {
        const { sent } = play(looks)
        const tolds = (subject: string) =>
          sent.filter(({ notices }) => notices.some((one) => one.subject === subject && one.notice !== 'resolved'))
        for (const [at, subjects] of looks.entries()) {
          for (const subject of subjects) {
            const since =
              (at -
                looks
                  .slice(0, at + 1)
                  .toReversed()
                  .findIndex((s) => !s.includes(subject)) +
                1) *
              LOOK
            const whole = looks.slice(0, at + 1).every((s) => s.includes(subject))
            const lasted = at * LOOK - (whole ? 0 : since)
            if (lasted < RULES.repeatMs + RULES.gapMs) continue
            const last = tolds(subject)
              .filter((one) => one.at <= at * LOOK)
              .at(-1)
            assert.ok(last && at * LOOK - last.at <= RULES.repeatMs + RULES.gapMs, `${subject} at ${at * LOOK}`)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('each alert is told in order: raised first, resolved once and last, and resolved only after it was away for long enough', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), (looks, refusals) => {
        const { sent, history } = play(looks, (at) => !refusals[at % refusals.length])
        const words = Map.groupBy(
          sent.flatMap(({ notices }) => notices),
          ({ alert }) => alert,
        )
        for (const [, notices] of words) {
          const order = notices.map(({ notice }) => notice).join(' ')
          assert.match(order, /^raised( repeated)*( resolved)?$/)
        }
        for (const alert of new Map(history.flat().map((one) => [one.id, one])).values()) {
          if (alert.resolvedAt === undefined) continue
          const away = looks.slice((alert.resolvedAt - RULES.settleMs) / LOOK, alert.resolvedAt / LOOK + 1)
          assert.ok(away.every((subjects) => !subjects.includes(alert.subject)))
        }
      }),
    )
  })

  test('there is never more than one that lasts of a kind for a subject', () => {
    fc.assert(
      fc.property(histories, (looks) => {
        for (const alerts of play(looks).history) {
          const lasting = alerts.filter(({ resolvedAt }) => resolvedAt === undefined).map(({ subject }) => subject)
          assert.equal(new Set(lasting).size, lasting.length)
        }
      }),
    )
  })
})
