import { createHash } from 'node:crypto'
import type { Moment } from '../lib/clock.ts'
import { cronProblem, latestCron, nextCron } from './cron.ts'
import { WEEKDAYS, type Schedule } from './policy.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS
/** The first of 1970 was a Thursday. */
const FIRST_WEEKDAY = 3
/** A start that is later than this after a full `everyMinutes` is what the next ones are counted from. */
const LATE_MS = MINUTE_MS
/** Clocks of a fleet may differ by less. */
const BACK_MS = 60 * MINUTE_MS
const MOST_REMEMBERED = 100_000

/**
 * When an instance is backed up next, if its schedule is settled up to `settled`. Undefined when never, also for a cron that
 * cannot be read. Of a window each instance has its own moment, always the same; cron and `everyMinutes` come when they say.
 */
export function nextDue(schedule: Schedule, instanceId: string, settled: Moment): Moment | undefined {
  const { enabled, cron, everyMinutes } = schedule
  if (!enabled) return undefined
  if (cron) return cronProblem(cron, settled) === undefined ? nextCron(cron, settled) : undefined
  const moments = [nextInWeek(schedule, instanceId, settled)]
  if (everyMinutes !== undefined) moments.push(settled + everyMinutes * MINUTE_MS)
  return earliest(moments)
}

/**
 * The moment for which a backup is to be started at `now`; undefined when none is due. However many moments were missed since
 * `settled`, it is the last of them: one backup makes up for all.
 */
export function dueNow(schedule: Schedule, instanceId: string, settled: Moment, now: Moment): Moment | undefined {
  const first = nextDue(schedule, instanceId, settled)
  if (first === undefined || first > now) return undefined
  if (schedule.cron) return latestCron(schedule.cron, settled, now)
  const weekly = latestInWeek(schedule, instanceId, now)
  return Math.max(first, weekly ?? first, latestOfEvery(schedule, settled, now) ?? first)
}

/** Told late, the interval starts anew: the next backup shall not follow at once. */
function latestOfEvery({ everyMinutes }: Schedule, settled: Moment, now: Moment): Moment | undefined {
  if (everyMinutes === undefined) return undefined
  const due = settled + everyMinutes * MINUTE_MS
  if (due > now) return undefined
  return now - due > LATE_MS ? now : due
}

/** The moment up to which a schedule counts as done: `settled`, unless clocks went back so far since that it would wait for them. */
export const settledAt = (settled: Moment, now: Moment): Moment => (settled > now + BACK_MS ? now : settled)

/** A schedule of an instance, and up to when it is settled. */
export interface Settled {
  readonly instanceId: string
  readonly policy: { readonly schedule: Schedule }
  readonly settledAt: Moment
}

/** Gives when each is due next, as `nextDue` does, and remembers it: a fleet's schedules are looked at again and again. */
export function createOutlook(): (one: Settled) => Moment | undefined {
  const known = new Map<string, { readonly mark: string; readonly next: Moment | undefined }>()
  return ({ instanceId, policy: { schedule }, settledAt: settled }) => {
    const mark = `${settled} ${markOf(schedule)}`
    const before = known.get(instanceId)
    if (before?.mark === mark) return before.next
    const next = nextDue(schedule, instanceId, settled)
    if (known.size >= MOST_REMEMBERED) known.clear()
    known.set(instanceId, { mark, next })
    return next
  }
}

/** Tells schedules apart: equal for equal ones. */
export const markOf = (schedule: Schedule): string =>
  JSON.stringify([
    schedule.enabled,
    WEEKDAYS.filter((day) => schedule.weekly.days.includes(day)),
    schedule.weekly.from,
    schedule.weekly.to,
    schedule.everyMinutes ?? null,
    schedule.cron?.expression ?? null,
    schedule.cron?.timeZone ?? null,
  ])

function nextInWeek(schedule: Schedule, instanceId: string, after: Moment): Moment | undefined {
  const today = dayOf(after)
  // The window of the day before may reach into this one.
  for (let day = today - 1; day <= today + 8; day++) {
    const start = startOnDay(schedule, instanceId, day)
    if (start !== undefined && start > after) return start
  }
  return undefined
}

function latestInWeek(schedule: Schedule, instanceId: string, until: Moment): Moment | undefined {
  const today = dayOf(until)
  for (let day = today; day >= today - 8; day--) {
    const start = startOnDay(schedule, instanceId, day)
    if (start !== undefined && start <= until) return start
  }
  return undefined
}

const dayOf = (moment: Moment) => Math.floor(moment / DAY_MS)

/** The instance's moment in the window that opens on a day; undefined when none does. */
function startOnDay({ weekly }: Schedule, instanceId: string, day: number): Moment | undefined {
  const weekday = WEEKDAYS[(((day + FIRST_WEEKDAY) % 7) + 7) % 7]
  if (weekday === undefined || !weekly.days.includes(weekday)) return undefined
  const { from, to } = weekly
  const minutes = to > from ? to - from : to - from + 1440
  const seconds = Math.floor(shareOf(instanceId) * minutes * 60)
  return day * DAY_MS + from * MINUTE_MS + seconds * 1000
}

/** A number from 0 up to 1 that is always the same for an instance, and spread evenly over all of them. */
const shareOf = (instanceId: string): number =>
  createHash('sha256').update(instanceId).digest().readUIntBE(0, 6) / 2 ** 48

const earliest = (moments: readonly (Moment | undefined)[]): Moment | undefined => {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
