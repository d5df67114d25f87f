import type { Moment } from './clock.ts'

/** What a clock on a wall of some time zone shows, as milliseconds of a UTC day: comparable within the zone, no moment. */
export type WallTime = number

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** Whether there is an IANA time zone of this name. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** Making one takes a hundred times as long as using it. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, made)
  return made
}

/** What the clocks of a zone show at a moment. Throws RangeError for a zone that does not exist. */
export const wallOf = (moment: Moment, zone: string): WallTime => moment + offsetAt(moment, zone)

/** How far a zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(moment: Moment, zone: string): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
  for (const { type, value } of formatOf(zone).formatToParts(moment)) parts[type] = Number(value)
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  const shown = daysBefore(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000
  return shown - Math.floor(moment / 1000) * 1000
}

/** Days from the first of 1970 to a date, by the calendar of today. */
function daysBefore(year: number, month: number, day: number): number {
  const from = month > 2 ? year : year - 1
  const inYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return from * 365 + Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400) + inYear - 719_468
}

/** The first moment at which the clocks of a zone show a wall time; when they skip it, the moment at which they skip. */
export function momentOfWall(wall: WallTime, zone: string): Moment {
  const before = offsetAt(wall - DAY_MS, zone)
  const after = offsetAt(wall + DAY_MS, zone)
  const shown = [wall - Math.max(before, after), wall - Math.min(before, after)].find(
    (moment) => wallOf(moment, zone) === wall,
  )
  return shown ?? changeBetween(wall - DAY_MS - HOUR_MS, wall + DAY_MS + HOUR_MS, wall, zone)
}

/** The first moment whose wall time is at or past `wall`. */
function changeBetween(from: Moment, to: Moment, wall: WallTime, zone: string): Moment {
  let [low, high] = [from, to]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (wallOf(middle, zone) >= wall) high = middle
    else low = middle
  }
  return high
}
