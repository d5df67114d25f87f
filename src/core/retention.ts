import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import { isGood, NEVER, type BackupSet } from './backup-set.ts'
import type { Generations, Policy, Retention } from './policy.ts'

const DAY_MS = 86_400_000

/** What retention must know of a set. */
export type RetainedSet = Pick<
  BackupSet,
  | 'id'
  | 'status'
  | 'startedAt'
  | 'consistentAt'
  | 'parentId'
  | 'available'
  | 'damage'
  | 'drillDamage'
  | 'pinned'
  | 'expiresAt'
>

/** Whether a set stays, and why, in words that a person reads after "it". */
export interface Verdict<S extends RetainedSet = RetainedSet> {
  readonly set: S
  readonly kept: boolean
  readonly reason: string
}

/**
 * What becomes of each set of one instance under a policy at `now`, newest first.
 *
 * A set stays while it is pinned, while an end of its own has not come, by age, by count, as the newest of a day, week, month or
 * year, as one of the newest good ones that the minimum asks for, and while a set that stays adds to it. An end of its own that
 * has come overrules age, count and generations, never the minimum nor a dependent. Only good sets (Success, whole, undamaged)
 * count for count, generations and minimum: the last good set stays however many newer ones failed.
 */
export function retain<S extends RetainedSet>(sets: readonly S[], policy: Retention, now: Moment): Verdict<S>[] {
  const newestFirst = sets.toSorted((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id))
  const good = newestFirst.filter(isGood)
  const places = new Map(good.map((set, index) => [set.id, index]))
  const generations = generationsOf(good.filter(withoutOwnEnd), policy.generations)
  const reasons = new Map<string, string>()
  for (const set of newestFirst) {
    const reason =
      ownReason(set, now) ??
      (withoutOwnEnd(set) ? policyReason(set, policy, { now, place: places.get(set.id), generations }) : undefined) ??
      minimumReason(policy, places.get(set.id))
    if (reason !== undefined) reasons.set(set.id, reason)
  }
  keepAncestors(newestFirst, reasons)
  return newestFirst.map((set) => {
    const reason = reasons.get(set.id)
    return { set, kept: reason !== undefined, reason: reason ?? whyNot(set, policy) }
  })
}

/** What becomes of the sets of an instance that is deregistered, by its policy's word for that. */
export function retainReleased<S extends RetainedSet>(sets: readonly S[], policy: Policy, now: Moment): Verdict<S>[] {
  switch (policy.releasedKeep) {
    case 'None':
      return retain(sets, policy.retention, now)
    case 'Latest':
      return retain(sets, { days: 0, count: 0, generations: NO_GENERATIONS, minimum: 1 }, now)
    case 'All':
      return sets.map((set) => ({ set, kept: true, reason: 'is of an instance that is no longer registered' }))
  }
}

/**
 * The moment before which this policy removes no such set by itself. What else keeps a set (count, generations, the minimum, a set that adds to
 * it) may keep it longer. Undefined when no moment is known: the set has an end of its own, is pinned, or is kept for ever.
 */
export function earliestEnd(
  { startedAt, pinned, expiresAt }: Pick<RetainedSet, 'startedAt' | 'pinned' | 'expiresAt'>,
  { retention, releasedKeep }: Pick<Policy, 'retention' | 'releasedKeep'>,
  released: boolean,
): Moment | undefined {
  if (pinned || expiresAt !== undefined || (released && releasedKeep !== 'None')) return undefined
  return retention.days === undefined ? undefined : startedAt + retention.days * DAY_MS
}

/** A finished piece of log, from its first to its last moment. */
export interface RetainedSegment {
  readonly id: string
  readonly from: Moment
  readonly to: Moment
}

/**
 * Ids of the log segments that stay beside these sets, which all stay. A segment stays when it lies within what a kept set needs to
 * become consistent, and when one needs it to be brought to a moment of the last `days` days: that reaches back to the newest kept
 * good set before them, or to the oldest one there is.
 */
export function retainSegments(
  segments: readonly RetainedSegment[],
  kept: readonly RetainedSet[],
  log: Policy['log'],
  now: Moment,
): ReadonlySet<string> {
  const good = kept.filter(isGood).toSorted((a, b) => a.startedAt - b.startedAt)
  const since = now - log.days * DAY_MS
  const base = good.findLast((set) => (set.consistentAt ?? set.startedAt) <= since) ?? good[0]
  const stays = ({ from, to }: RetainedSegment) =>
    (log.enabled && base !== undefined && to >= base.startedAt) ||
    kept.some((set) => to >= set.startedAt && from <= (set.consistentAt ?? set.startedAt))
  return new Set(segments.filter(stays).map(({ id }) => id))
}

const NO_GENERATIONS: Generations = { daily: 0, weekly: 0, monthly: 0, yearly: 0 }

const withoutOwnEnd = ({ expiresAt }: RetainedSet): boolean => expiresAt === undefined

function ownReason({ pinned, expiresAt }: RetainedSet, now: Moment): string | undefined {
  if (pinned) return 'is pinned'
  if (expiresAt === NEVER) return 'was told never to end'
  return expiresAt !== undefined && expiresAt > now ? 'has an end of its own that has not come' : undefined
}

interface Placed {
  readonly now: Moment
  /** Its place among the good sets, from the newest, which is 0; undefined for one that is not good. */
  readonly place: number | undefined
  readonly generations: ReadonlyMap<string, string>
}

function policyReason(set: RetainedSet, policy: Retention, { now, place, generations }: Placed): string | undefined {
  if (policy.days === undefined) return 'is kept for ever by the policy'
  if (set.startedAt > now - policy.days * DAY_MS) return `is younger than ${daysText(policy.days)}`
  if (place !== undefined && place < policy.count) return `is one of the ${policy.count} newest`
  return generations.get(set.id)
}

const daysText = (days: number | undefined): string => (days === 1 ? 'a day' : `${days} days`)

const minimumReason = ({ minimum }: Retention, place: number | undefined): string | undefined =>
  place !== undefined && place < Math.max(1, minimum)
    ? `is one of the ${Math.max(1, minimum)} that always stay`
    : undefined

const whyNot = (set: RetainedSet, { days }: Retention): string =>
  set.expiresAt === undefined
    ? `is older than ${daysText(days)}, and nothing keeps it`
    : 'has come to an end of its own'

/** A set that stays keeps what it adds to, and that what it adds to. */
function keepAncestors(sets: readonly RetainedSet[], reasons: Map<string, string>): void {
  const byId = new Map(sets.map((set) => [set.id, set]))
  for (const { id } of sets.filter((set) => reasons.has(set.id))) {
    for (let at = byId.get(id)?.parentId; at !== undefined; at = byId.get(at)?.parentId) {
      if (reasons.has(at)) break
      reasons.set(at, `is needed by set ${id}`)
    }
  }
}

/** The newest good set of each of the newest days, weeks, months and years that have one. */
function generationsOf(newestFirst: readonly RetainedSet[], wanted: Generations): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>()
  for (const [name, periodOf, most] of [
    ['day', dayOf, wanted.daily],
    ['week', weekOf, wanted.weekly],
    ['month', monthOf, wanted.monthly],
    ['year', yearOf, wanted.yearly],
  ] as const) {
    const seen = new Set<string>()
    for (const { id, startedAt } of newestFirst) {
      const period = periodOf(startedAt)
      if (seen.size === most && !seen.has(period)) break
      if (!seen.has(period) && !reasons.has(id)) reasons.set(id, `is the newest of its ${name}`)
      seen.add(period)
    }
  }
  return reasons
}

const dayOf = (moment: Moment): string => isoSeconds(moment).slice(0, 10)
const monthOf = (moment: Moment): string => isoSeconds(moment).slice(0, 7)
const yearOf = (moment: Moment): string => isoSeconds(moment).slice(0, 4)

/** Weeks begin on Monday; 1970-01-01 was a Thursday. */
const weekOf = (moment: Moment): string => String(Math.floor((Math.floor(moment / DAY_MS) + 3) / 7))
