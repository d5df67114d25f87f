import type { Moment } from './clock.ts'

const DAY = 86_400_000
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'))
/** Texts of the days that were last asked for: a page of sets asks for the same few again and again. */
const days = new Map<number, string>()
const MOST_DAYS = 4096

/** `2026-01-02`, the UTC day that is `day` days after the first of 1970. */
function dayText(day: number): string {
  const known = days.get(day)
  if (known !== undefined) return known
  const text = new Date(day * DAY).toISOString().slice(0, -14)
  if (days.size >= MOST_DAYS) days.clear()
  days.set(day, text)
  return text
}

/**
 * `2026-01-02T03:04:05Z`: UTC, whole seconds, the part below a second cut off. The form of every time in an RDS reply. A
 * tenth of the cost of Date's own, of which a page of DescribeBackups would need a hundred.
 */
export function isoSeconds(moment: Moment): string {
  const day = Math.floor(moment / DAY)
  const second = Math.floor((moment - day * DAY) / 1000)
  const minute = Math.floor(second / 60)
  return `${dayText(day)}T${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[second % 60]}Z`
}

/** `2026-01-02T03:04:05.678Z`: UTC with milliseconds. The form of times in link errors, manifests and logs. */
export const isoMillis = (moment: Moment): string => new Date(moment).toISOString()

/** `20260102030405`: UTC digits, for file names. */
export const compactSeconds = (moment: Moment): string => digitsOf(isoSeconds(moment))

/** Only years of four digits have this form, which is all that a catalog can hold. */
const digitsOf = (iso: string): string =>
  iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10) + iso.slice(11, 13) + iso.slice(14, 16) + iso.slice(17, 19)

/**
 * The moment that an ISO 8601 UTC text of exactly `…THH:mmZ`, `…THH:mm:ssZ` or `…THH:mm:ss.sssZ` means; undefined for any
 * other form and for dates that do not exist (31 February, 24:00).
 */
export function parseIso(text: string): Moment | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?Z$/.test(text)) return undefined
  const moment = Date.parse(text)
  if (Number.isNaN(moment)) return undefined
  return isoMillis(moment).startsWith(text.slice(0, 16)) ? moment : undefined
}

/** `Fri, 02 Jan 2026 03:04:05 GMT`: the form of dates in HTTP headers. */
export const httpDate = (moment: Moment): string => new Date(moment).toUTCString()

/** The moment that an HTTP date of the form above means; undefined for any other text. */
export function parseHttpDate(text: string): Moment | undefined {
  const moment = Date.parse(text)
  return !Number.isNaN(moment) && httpDate(moment) === text.trim() ? moment : undefined
}

/** `2026-01-02 04:04:05 +01:00`: for people, in the time zone of this machine. */
export function localSeconds(moment: Moment): string {
  const ahead = -new Date(moment).getTimezoneOffset()
  const shifted = isoSeconds(moment + ahead * 60_000)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const offset = `${ahead < 0 ? '-' : '+'}${two(Math.abs(ahead) / 60)}:${two(Math.abs(ahead) % 60)}`
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${offset}`
}
