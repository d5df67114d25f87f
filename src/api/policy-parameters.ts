import { cronProblem } from '../core/cron.ts'
import type { Policy, Schedule, Weekday } from '../core/policy.ts'
import { WEEKDAYS } from '../core/policy.ts'
import { isTimeZone } from '../lib/zone.ts'
import type { ParameterCodec } from './parameters.ts'

/** Minutes of a UTC day from which to which an automated backup begins. */
export interface Window {
  readonly from: number
  readonly to: number
}

const TIME = /^(\d\d):(\d\d)Z-(\d\d):(\d\d)Z$/
const DAY = 24 * 60

/** `PreferredBackupTime`: `23:00Z-24:00Z`; one that ends before it begins goes on into the next day. */
export const backupWindow: ParameterCodec<Window> = {
  form: 'two times of a UTC day in the form HH:mmZ-HH:mmZ',
  parse(text) {
    const [, ...parts] = TIME.exec(text) ?? []
    const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = parts.map(Number)
    const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute]
    if (fromMinute > 59 || toMinute > 59 || from >= DAY || to > DAY || from === to) return undefined
    return { from, to: to % DAY }
  },
}

/** `PreferredBackupTime` of a window; midnight at its end is 24:00Z, as RDS writes it. */
export const renderWindow = ({ from, to }: Window): string => `${clock(from)}Z-${clock(to === 0 ? DAY : to)}Z`

const clock = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')

/** `PreferredBackupPeriod`: names of days with commas between them, in any order. Gives each once, from Monday. */
export const weekdays: ParameterCodec<readonly Weekday[]> = {
  form: `one or more of ${WEEKDAYS.join(', ')}, with commas between them`,
  parse(text) {
    const names = text.split(',').map((name) => name.trim())
    const days = WEEKDAYS.filter((day) => names.includes(day))
    return names.every((name) => days.some((day) => day === name)) ? days : undefined
  },
}

const SWITCH: Readonly<Record<string, boolean>> = {
  Enable: true,
  Enabled: true,
  '1': true,
  True: true,
  true: true,
  Disable: false,
  Disabled: false,
  '0': false,
  False: false,
  false: false,
}

/** `BackupLog` and `EnableBackupLog`: a switch in the several spellings that RDS has for one. */
export const switchWord: ParameterCodec<boolean> = {
  form: 'Enable, Disabled, 1, 0, True or False',
  parse: (text) => (Object.hasOwn(SWITCH, text) ? SWITCH[text] : undefined),
}

const RELEASED: Readonly<Record<string, Policy['releasedKeep']>> = {
  None: 'None',
  Lastest: 'Latest',
  Latest: 'Latest',
  All: 'All',
}

/** `ReleasedKeepPolicy`; RDS writes Latest as `Lastest`, and both are taken. */
export const releasedKeep: ParameterCodec<Policy['releasedKeep']> = {
  form: 'None, Lastest or All',
  parse: (text) => (Object.hasOwn(RELEASED, text) ? RELEASED[text] : undefined),
}

/** `ReleasedKeepPolicy` as RDS writes it. */
export const renderReleasedKeep = (keep: Policy['releasedKeep']): string => (keep === 'Latest' ? 'Lastest' : keep)

/** `BackupInterval`: minutes, or -1 for none beside the weekly backups. */
export const backupInterval: ParameterCodec<number> = {
  form: '-1, 30, 60, 120, 240 or 480',
  isNumber: false,
  parse: (text) => (['-1', '30', '60', '120', '240', '480'].includes(text) ? Number(text) : undefined),
}

/** Days of retention: RDS has 7 to 730; here any number of days from 1, and -1 for ever. */
export const retentionDays: ParameterCodec<number> = {
  form: 'an integer from 1 to 36500, or -1 for ever',
  parse(text) {
    if (text === '-1') return -1
    const days = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
    return days >= 1 && days <= 36_500 ? days : undefined
  },
}

/** `ScheduleCron`: when automated backups begin, instead of days, window and interval. */
export const cronExpression: ParameterCodec<string> = {
  form: 'five fields of cron that come at some time: minute, hour, day of the month, month, day of the week',
  parse: (text) => (cronProblem({ expression: text, timeZone: 'UTC' }, 0) === undefined ? text : undefined),
}

/** `DrillCron`: when drills begin, or `Off`. */
export const drillCron: ParameterCodec<string> = {
  form: `${cronExpression.form}; or Off`,
  parse: (text) => (text === 'Off' ? text : cronExpression.parse(text)),
}

/** `ScheduleTimeZone`: whose clocks a cron means. */
export const timeZone: ParameterCodec<string> = {
  form: 'the name of an IANA time zone, such as Europe/Berlin or UTC',
  parse: (text) => (isTimeZone(text) ? text : undefined),
}

/** A schedule with the parts that are named changed. Days, window and interval end a cron: who names them wants them. */
export function changedSchedule(
  schedule: Schedule,
  change: {
    readonly enabled: boolean | undefined
    readonly days: readonly Weekday[] | undefined
    readonly window: Window | undefined
    readonly interval: number | undefined
    readonly cron: Schedule['cron']
    readonly method: Schedule['method']
  },
): Schedule {
  const { enabled = schedule.enabled, days = schedule.weekly.days, window = schedule.weekly, interval } = change
  const everyMinutes = interval === undefined ? schedule.everyMinutes : interval === -1 ? undefined : interval
  const week = change.days ?? change.window ?? interval
  const method = change.method ?? schedule.method
  const cron = change.cron ?? (week === undefined ? schedule.cron : undefined)
  return {
    enabled,
    weekly: { days: [...days], from: window.from, to: window.to },
    ...(everyMinutes !== undefined && { everyMinutes }),
    // Absent is physical, as in policies from before there was another.
    ...(method === 'Logical' && { method }),
    ...(cron && { cron }),
  }
}
