import type { Moment } from '../lib/clock.ts'
import { cronProblem, latestCron } from './cron.ts'
import type { Drills } from './policy.ts'

/** What tells whether an instance's newest set is to be drilled. */
export interface DrillStanding {
  /** The newest task of a drill of one of its sets, whatever became of it. */
  readonly last?: { readonly taskId: string; readonly setId: string; readonly addedAt: Moment; readonly ended: boolean }
  /** Its newest good sets, newest first, and whether a drill ever found anything about each. */
  readonly newest: readonly { readonly id: string; readonly drilled: boolean }[]
}

/** Clocks of a fleet may differ by less. */
const BACK_MS = 60 * 60_000

/**
 * The set that is to be drilled now: the newest good one, or none (undefined). `since`: when the policy became what it is; a cron
 * counts from there, and however many of its moments were missed, one drill makes up for all. While a drill has not ended there is
 * no other. A set whose drill came to nothing is drilled again when the cron says so, not for its number.
 */
export function drillDue(drills: Drills, standing: DrillStanding, since: Moment, now: Moment): string | undefined {
  const { last, newest } = standing
  const [set] = newest
  if (set === undefined || last?.ended === false) return undefined
  return byNumber(drills, standing) || byCron(drills, Math.max(last?.addedAt ?? 0, since), now) ? set.id : undefined
}

function byNumber({ everySets }: Drills, { last, newest }: DrillStanding): boolean {
  if (everySets === 0 || newest.length < everySets) return false
  return newest.slice(0, everySets).every(({ id, drilled }) => !drilled && id !== last?.setId)
}

function byCron({ cron }: Drills, from: Moment, now: Moment): boolean {
  if (cron === undefined || cronProblem(cron, now) !== undefined) return false
  // After a clock that went back the last drill lies ahead: it would be waited for until that time comes again.
  return from > now + BACK_MS || latestCron(cron, from, now) !== undefined
}
