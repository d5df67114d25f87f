import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import type { Condition } from './alert.ts'
import type { Policy } from './policy.ts'
import { nextDue } from './schedule.ts'

const DAY_MS = 86_400_000

/** How an instance stands: what its newest sets are, and what is asked of them. */
export interface Standing {
  readonly instanceId: string
  readonly createdAt: Moment
  /** The most time that may lie between now and what could be restored, in seconds; 0: what the schedule asks. */
  readonly rpoSeconds: number
  /** Absent when it never had one. */
  readonly policy?: { readonly policy: Policy; readonly changedAt: Moment } | undefined
  /** The newest set. */
  readonly last?: { readonly id: string; readonly failed: boolean; readonly reason: string; readonly endedAt: Moment }
  /** The newest drill of one of its sets that ended. */
  readonly drill?: {
    readonly setId: string
    readonly failed: boolean
    readonly reason: string
    readonly endedAt: Moment
  }
  /** The newest set that can be restored. */
  readonly good?: { readonly startedAt: Moment; readonly consistentAt: Moment } | undefined
}

/** The newest backup of an instance failed. A later one that succeeds ends it. */
export function failedBackup({ instanceId, last }: Standing): Condition | undefined {
  if (!last?.failed) return undefined
  return {
    kind: 'backup-failed',
    subject: instanceId,
    instanceId,
    what: `the backup of ${instanceId} that ended at ${isoSeconds(last.endedAt)} failed: ${last.reason}`,
    hint: `Mend what the reason names, then take a backup: holdfast backups take ${instanceId}.`,
  }
}

/**
 * What could be restored of an instance is older than it may be. By `rpoSeconds` if it is set; else by the schedule: the backup
 * that it asked for next after the newest good set is late by more than `lateMs`. An instance with neither has no such limit.
 */
export function exceededRpo(standing: Standing, now: Moment, lateMs: number): Condition | undefined {
  const { instanceId, good, createdAt, rpoSeconds } = standing
  const since = good?.consistentAt ?? createdAt
  const limit = rpoSeconds > 0 ? since + rpoSeconds * 1000 : lateAfter(standing, lateMs)
  if (limit === undefined || now <= limit) return undefined
  const newest = good ? `the newest good set is of ${isoSeconds(since)}` : 'there is no good set'
  const asked = rpoSeconds > 0 ? `at most ${rpoSeconds} s old` : `made by ${isoSeconds(limit)}`
  return {
    kind: 'rpo-exceeded',
    subject: instanceId,
    instanceId,
    what: `${instanceId} could lose more than it may: ${newest}, and one was to be ${asked}`,
    hint: `See why none was made (holdfast backups list ${instanceId}), then take a backup: holdfast backups take ${instanceId}.`,
  }
}

/** Until when the backup that the schedule asks for after the newest good set may take. */
function lateAfter({ instanceId, good, createdAt, policy }: Standing, lateMs: number): Moment | undefined {
  if (!policy) return undefined
  const from = Math.max(good?.startedAt ?? createdAt, policy.changedAt)
  const due = nextDue(policy.policy.schedule, instanceId, from)
  return due === undefined ? undefined : due + lateMs
}

/** Stored bytes of a set are not what was written. */
export const damagedSet = (set: {
  readonly id: string
  readonly instanceId: string
  readonly damage: string
}): Condition => ({
  kind: 'set-damaged',
  subject: set.id,
  instanceId: set.instanceId,
  what: `set ${set.id} of ${set.instanceId} is damaged in the store: ${set.damage}`,
  hint: `Take a backup (holdfast backups take ${set.instanceId}), look at the disk of the store, then remove the set.`,
})

/** The newest drill of an instance failed, or could not be done. A later one that passes ends it. */
export function failedDrill({ instanceId, drill }: Standing): Condition | undefined {
  if (!drill?.failed) return undefined
  return {
    kind: 'drill-failed',
    subject: instanceId,
    instanceId,
    what: `the drill of set ${drill.setId} of ${instanceId} that ended at ${isoSeconds(drill.endedAt)} failed: ${drill.reason}`,
    hint: `Mend what the reason names, or take a backup (holdfast backups take ${instanceId}), then drill its newest set: holdfast backups drill SET.`,
  }
}

/** Less than `leastPercent` of a store's space is free. */
export function nearlyFull(
  space: { readonly free: number; readonly total: number },
  leastPercent: number,
): Condition | undefined {
  const percent = space.total === 0 ? 100 : (space.free / space.total) * 100
  if (percent >= leastPercent) return undefined
  return {
    kind: 'store-nearly-full',
    subject: 'store',
    instanceId: undefined,
    what: `the store has ${percent.toFixed(1)} % of its space free: ${mebibytes(space.free)} of ${mebibytes(space.total)}`,
    hint: 'Give it more space, or keep fewer sets: holdfast policies preview shows what a change would free.',
  }
}

const mebibytes = (bytes: number): string => `${Math.floor(bytes / 1_048_576)} MiB`

/** An access key ends within `days`, or has ended and is still there. */
export function expiringKey(
  key: { readonly id: string; readonly description: string; readonly expiresAt?: Moment | undefined },
  now: Moment,
  days: number,
): Condition | undefined {
  const { id, description, expiresAt } = key
  if (expiresAt === undefined || expiresAt - now > days * DAY_MS) return undefined
  const name = description === '' ? id : `${id} (${description})`
  const ends = now < expiresAt ? 'ends' : 'has ended'
  return {
    kind: 'key-expiring',
    subject: id,
    instanceId: undefined,
    what: `access key ${name} ${ends} at ${isoSeconds(expiresAt)}`,
    hint: `Prolong it (holdfast keys modify ${id} --expires TIME), or remove it: holdfast keys remove ${id}.`,
  }
}

/** The newest set of an instance is not opened by the identity that the service holds. */
export const unopenedSet = (
  { id, instanceId }: { readonly id: string; readonly instanceId: string },
  why: string,
): Condition => ({
  kind: 'identity-check',
  subject: instanceId,
  instanceId,
  what: `the newest set ${id} of ${instanceId} cannot be opened by the service: ${why}`,
  hint: `Mend encryption.identityFile, or verify the set: holdfast backups verify ${id}.`,
})

/** Nobody has shown within `days` that he has an identity which opens encrypted sets; `provenAt` is when somebody last did. */
export function agedProof(provenAt: Moment | undefined, now: Moment, days: number): Condition | undefined {
  if (provenAt !== undefined && now - provenAt <= days * DAY_MS) return undefined
  const last = provenAt === undefined ? 'nobody has ever shown' : `nobody has shown since ${isoSeconds(provenAt)}`
  return {
    kind: 'identity-check',
    subject: 'encryption',
    instanceId: undefined,
    what: `${last} that he has an identity which opens encrypted sets`,
    hint:
      provenAt === undefined
        ? 'No backup is taken until then: run holdfast encryption challenge DIR, open a file it writes, and do what the file says.'
        : 'Show it: holdfast encryption check --identity FILE, or holdfast encryption challenge DIR where no identity may be.',
  }
}
