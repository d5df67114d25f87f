import { z } from 'zod'
import { NEVER, type BackupSet } from './backup-set.ts'
import { Fault } from './fault.ts'
import { parseJson } from './instance-record.ts'
import { WEEKDAYS, type Policy } from './policy.ts'

/** The newest version of a record of what is kept that this program writes and reads. Older ones are read for ever. */
export const KEEP_RECORD_VERSION = 1

const minute = z.int().min(0).max(1440)
const number = z.int().nonnegative()

const cron = z.object({ expression: z.string(), timeZone: z.string() })

const policy = z.object({
  schedule: z.object({
    enabled: z.boolean(),
    weekly: z.object({ days: z.array(z.enum(WEEKDAYS)), from: minute, to: minute }),
    everyMinutes: z.int().positive().optional(),
    method: z.enum(['Physical', 'Logical']).optional(),
    cron: cron.optional(),
  }),
  retention: z.object({
    days: number.optional(),
    count: number,
    generations: z.object({ daily: number, weekly: number, monthly: number, yearly: number }),
    minimum: z.int().positive(),
  }),
  log: z.object({ enabled: z.boolean(), days: number }),
  releasedKeep: z.enum(['All', 'Latest', 'None']),
  increments: z
    .object({ enabled: z.boolean(), chainLength: z.int().positive(), fullDays: z.int().positive() })
    .optional(),
  drills: z.object({ everySets: number, cron: cron.optional() }).optional(),
})

const setId = z.string().regex(/^\d{1,16}$/)

const keepRecord = z.object({
  format: z.literal('holdfast-keep'),
  version: z.literal(1),
  instanceId: z.string().min(1),
  policy,
  /** When the policy became that: Unix milliseconds. */
  changedAt: number,
  pinned: z.array(setId),
  /** Sets with an end of their own: Unix milliseconds, or null for never. */
  ends: z.record(setId, number.nullable()),
})

/** What a store remembers of how long the sets of an instance are kept. */
export interface Keep {
  readonly instanceId: string
  readonly policy: Policy
  readonly changedAt: number
  readonly pinned: readonly string[]
  /** By set: a moment, or `NEVER`. */
  readonly ends: Readonly<Record<string, number>>
}

/** What is kept of an instance, from its policy and its sets. */
export function keepOf(
  instanceId: string,
  known: { readonly policy: Policy; readonly changedAt: number },
  sets: readonly Pick<BackupSet, 'id' | 'pinned' | 'expiresAt'>[],
): Keep {
  const sorted = sets.toSorted((a, b) => Number(a.id) - Number(b.id))
  return {
    instanceId,
    policy: known.policy,
    changedAt: known.changedAt,
    pinned: sorted.flatMap(({ id, pinned }) => (pinned ? [id] : [])),
    ends: Object.fromEntries(sorted.flatMap(({ id, expiresAt }) => (expiresAt === undefined ? [] : [[id, expiresAt]]))),
  }
}

/** The text of a record: JSON that a person can read. */
export function formatKeepRecord({ instanceId, policy: kept, changedAt, pinned, ends }: Keep): string {
  const written = Object.fromEntries(Object.entries(ends).map(([id, end]) => [id, end === NEVER ? null : end]))
  const record: z.infer<typeof keepRecord> = {
    format: 'holdfast-keep',
    version: 1,
    instanceId,
    policy: policy.parse(kept),
    changedAt,
    pinned: [...pinned],
    ends: written,
  }
  return `${JSON.stringify(record, null, 2)}\n`
}

/**
 * What a record's text tells. Unknown fields are ignored. Fault 'too_new' when its version is above ours, 'store_corrupt' when it
 * is no record. `where` names it in errors.
 */
export function parseKeepRecord(text: string, where: string): Keep {
  const value = parseJson(text, where)
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > KEEP_RECORD_VERSION) {
    throw new Fault(
      'too_new',
      `read ${where}: record version ${version}, this program knows up to ${KEEP_RECORD_VERSION}`,
      {
        hint: 'Update Holdfast: this record was written by a newer version.',
      },
    )
  }
  const parsed = keepRecord.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Fault('store_corrupt', `read ${where}: ${issue?.path.join('.')}: ${issue?.message}`, {
      cause: parsed.error,
    })
  }
  const { instanceId, changedAt, pinned, ends } = parsed.data
  return {
    instanceId,
    policy: parsed.data.policy,
    changedAt,
    pinned,
    ends: Object.fromEntries(Object.entries(ends).map(([id, end]) => [id, end ?? NEVER])),
  }
}
