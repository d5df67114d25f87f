import type { SetMethod } from './backup-set.ts'

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** When an instance is backed up by itself. Times of `weekly` are UTC. */
export interface Schedule {
  /** False: no automated backups. */
  readonly enabled: boolean
  /** On these days one full backup is started in the window: minutes of the day; `to` at or before `from` is the next day's. */
  readonly weekly: { readonly days: readonly Weekday[]; readonly from: number; readonly to: number }
  /** Beyond the weekly ones: a backup when so many minutes have passed since the last one started. Absent: none. */
  readonly everyMinutes?: number | undefined
  /** How each backup is taken; physical when absent. */
  readonly method?: SetMethod | undefined
  /** Instead of `weekly` and `everyMinutes`: five fields of cron in an IANA time zone. */
  readonly cron?: { readonly expression: string; readonly timeZone: string } | undefined
}

/** How many of the newest days, weeks, months and years keep a set each. UTC calendar, ISO weeks. */
export interface Generations {
  readonly daily: number
  readonly weekly: number
  readonly monthly: number
  readonly yearly: number
}

/** What keeps a set. A set that nothing here keeps, nor a pin, its own expiry or a dependent, is removed. */
export interface Retention {
  /** Keeps sets that are younger. Absent: for ever. */
  readonly days?: number | undefined
  /** Keeps so many of the newest good sets; 0 for none on this ground. */
  readonly count: number
  readonly generations: Generations
  /** However old, so many of the newest good sets stay. At least 1: the last good set never goes. */
  readonly minimum: number
}

/** What becomes of the sets of an instance that is deregistered: all stay as they are, the newest stays, or retention goes on. */
export type ReleasedKeep = 'All' | 'Latest' | 'None'

/** When a backup adds to the set before it instead of being a full one. */
export interface Increments {
  /** Whether automated backups do, and those asked for without a type. */
  readonly enabled: boolean
  /** So many increments follow a full set; then comes the next full one. */
  readonly chainLength: number
  /** A full set that is older is not added to any more. */
  readonly fullDays: number
}

/** When the newest good set is drilled by itself: restored, started and looked at. */
export interface Drills {
  /** When so many sets came since the last one that was drilled; 0: not for their number. */
  readonly everySets: number
  /** And at these moments: five fields of cron in an IANA time zone. Absent: at none. */
  readonly cron?: { readonly expression: string; readonly timeZone: string } | undefined
}

/** When an instance is backed up, and how long its sets are kept. */
export interface Policy {
  readonly schedule: Schedule
  readonly retention: Retention
  /** Log segments: whether they are kept, and for how many days; never fewer than a kept chain needs. */
  readonly log: { readonly enabled: boolean; readonly days: number }
  readonly releasedKeep: ReleasedKeep
  /** Absent: NO_INCREMENTS, as in every policy that was written before there were any. */
  readonly increments?: Increments | undefined
  /** Absent: no drills by themselves. */
  readonly drills?: Drills | undefined
}

/** Every automated backup is a full set. */
export const NO_INCREMENTS: Increments = { enabled: false, chainLength: 6, fullDays: 7 }

export const incrementsOf = ({ increments }: Policy): Increments => increments ?? NO_INCREMENTS

/** Of an instance whose policy nobody ever wrote: no automated backups, and nothing is removed. */
export const UNTOUCHED_POLICY: Policy = {
  schedule: { enabled: false, weekly: { days: [...WEEKDAYS], from: 17 * 60, to: 18 * 60 } },
  retention: { count: 0, generations: { daily: 0, weekly: 0, monthly: 0, yearly: 0 }, minimum: 1 },
  log: { enabled: false, days: 7 },
  releasedKeep: 'All',
}

/** What RDS gives a new instance: a full set a day in one hour of the Chinese night, kept for a week. */
export const DEFAULT_POLICY: Policy = {
  schedule: { enabled: true, weekly: { days: [...WEEKDAYS], from: 17 * 60, to: 18 * 60 } },
  retention: { days: 7, count: 0, generations: { daily: 0, weekly: 0, monthly: 0, yearly: 0 }, minimum: 1 },
  log: { enabled: false, days: 7 },
  releasedKeep: 'All',
}
