import type { Moment } from './clock.ts'

/** `2026-01-02T03:04:05Z`: UTC, whole seconds, the part below a second cut off. The form of every time in an RDS reply. */
export const isoSeconds = (moment: Moment): string => `${new Date(moment).toISOString().slice(0, 19)}Z`

/** `2026-01-02T03:04:05.678Z`: UTC with milliseconds. The form of times in link errors, manifests and logs. */
export const isoMillis = (moment: Moment): string => new Date(moment).toISOString()

/** `20260102030405`: UTC digits, for file names. */
export const compactSeconds = (moment: Moment): string => isoSeconds(moment).replaceAll(/[-:TZ]/g, '')

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
