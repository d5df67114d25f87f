import { Cron } from 'croner'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import { isTimeZone, momentOfWall, wallOf, type WallTime } from '../lib/zone.ts'

/** Five fields of cron, and the IANA time zone whose clocks they mean. */
export interface CronTimes {
  readonly expression: string
  readonly timeZone: string
}

const NAMES = /\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)\b/gi

/**
 * What is wrong with it, in plain words; undefined when it is good. What only some crons know (seconds, `L`, `W`, `#`, `?`,
 * `@daily`) is refused. `now` is where its times are looked for from.
 */
export function cronProblem({ expression, timeZone }: CronTimes, now: Moment): string | undefined {
  if (!isTimeZone(timeZone)) return `${timeZone} is no time zone: write a name such as Europe/Berlin or UTC`
  const fields = fieldsOf(expression)
  if (fields.length !== 5 || fields.some((field) => !/^[\d*/,-]+$/.test(field.replaceAll(NAMES, '1')))) {
    return 'write five fields: minute, hour, day of the month, month, day of the week'
  }
  try {
    return nextCron({ expression, timeZone }, now) === undefined ? 'it never comes' : undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it cannot be read'
  }
}

const fieldsOf = (expression: string) => expression.trim().split(/\s+/)

/**
 * The first of its times after a moment; undefined when none comes any more. A time that the clocks skip comes when they skip
 * it, and one that they show twice counts once, but `*` in the field of hours means every hour that passes. Throws for what
 * `cronProblem` finds wrong.
 */
export function nextCron({ expression, timeZone }: CronTimes, after: Moment): Moment | undefined {
  if (fieldsOf(expression)[1] === '*') return stepOf(expression, timeZone)(after)
  const next = stepOf(expression, 'UTC')
  let wall: WallTime | undefined = wallOf(after, timeZone)
  while ((wall = next(wall)) !== undefined) {
    const moment = momentOfWall(wall, timeZone)
    if (moment > after) return moment
  }
  return undefined
}

/** Gives the next time of an expression on the clocks of a zone. */
function stepOf(expression: string, timeZone: string): (after: Moment) => Moment | undefined {
  const cron = new Cron(expression, { timezone: timeZone, mode: '5-part', paused: true })
  return (after) => cron.nextRun(isoSeconds(after))?.getTime()
}

/** The last of its times in (after, until]; undefined when there is none. */
export function latestCron(cron: CronTimes, after: Moment, until: Moment): Moment | undefined {
  const first = nextCron(cron, after)
  if (first === undefined || first > until) return undefined
  // What comes next never comes earlier when it is asked later: the last moment whose next one is in time gives it.
  let [low, high, found] = [first, until, first]
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2)
    const next = nextCron(cron, middle)
    if (next !== undefined && next <= until) [low, found] = [next, next]
    else high = middle
  }
  return found
}
