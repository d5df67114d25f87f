import { localSeconds, parseIso } from '../lib/time.ts'

/** Bytes for people: `0 B`, `999 B`, `1.4 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`
}

/** A length of time for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 03 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

const two = (value: number) => String(value).padStart(2, '0')

/** A time of a reply (`2026-01-02T03:04:05Z`) for people: local with its offset, or as it is with `utc`. */
export function formatTime(text: string, { utc }: { readonly utc?: boolean | undefined }): string {
  const moment = parseIso(text)
  return moment === undefined || utc ? text : localSeconds(moment)
}
