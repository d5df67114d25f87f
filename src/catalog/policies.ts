import type { Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import { UNTOUCHED_POLICY, type Policy } from '../core/policy.ts'
import { markOf } from '../core/schedule.ts'
import type { Moment } from '../lib/clock.ts'
import type { Once } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { holdForGood, liftHold, lockSet, PIN, raiseVersion } from './holds.ts'
import { needNumber } from './ids.ts'
import { spend } from './once.ts'
import type { Tables } from './tables.ts'

/** An instance's policy, and when it became that. */
export interface KnownPolicy {
  readonly policy: Policy
  /** 0 when the instance never had one. */
  readonly changedAt: Moment
}

/** What the catalog knows of policies, and of what single sets have of their own instead. */
export interface PolicyCatalog {
  /** UNTOUCHED_POLICY for an instance that never had one; undefined when there is no such instance. */
  policyOf(instanceId: string): Promise<KnownPolicy | undefined>
  /** Fault 'not_found' when there is no such instance. */
  savePolicy(instanceId: string, policy: Policy, at: Moment, once?: Once): Promise<void>
  /** Keeps a set from being removed by anybody until it is unpinned. Fault 'not_found' when the instance has no such set. */
  pinSet(instanceId: string, setId: string, pinned: boolean, once?: Once): Promise<void>
  /** Gives sets an end of their own instead of their policy's, all or none: a moment, `NEVER`, or undefined for the policy's again. */
  setExpiry(instanceId: string, setIds: readonly string[], expiresAt: Moment | undefined, once?: Once): Promise<void>
}

export const policyMethods = ({ database }: Deps): PolicyCatalog => ({
  policyOf: (instanceId) =>
    database.read(async (db) => {
      const row = await db
        .selectFrom('instances')
        .leftJoin('policies', 'policies.instance_id', 'instances.id')
        .select(['policy', 'changed_at'])
        .where('instances.id', '=', instanceId)
        .executeTakeFirst()
      return row && knownPolicy(row)
    }),

  savePolicy: (instanceId, policy, at, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      await raiseVersion(trx, instanceId)
      await putPolicy(trx, instanceId, policy, at)
    }),

  pinSet: (instanceId, setId, pinned, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const id = await needSet(trx, database, instanceId, setId)
      await trx
        .updateTable('sets')
        .set({ pinned: pinned ? 1 : 0 })
        .where('id', '=', id)
        .execute()
      if (pinned) await holdForGood(trx, database, id, PIN)
      else await liftHold(trx, database, id, PIN)
      await raiseVersion(trx, instanceId)
    }),

  setExpiry: (instanceId, setIds, expiresAt, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      for (const setId of setIds) {
        const id = await needSet(trx, database, instanceId, setId)
        await trx
          .updateTable('sets')
          .set({ expires_at: expiresAt ?? null })
          .where('id', '=', id)
          .execute()
      }
      await raiseVersion(trx, instanceId)
    }),
})

/**
 * Writes what an instance's policy is from now on; `settledAt` up to when it is settled, for one that comes from elsewhere.
 * Another schedule begins now: what it would have asked for before is not missed. Fault 'not_found' when there is no such instance.
 */
export async function putPolicy(
  trx: Transaction<Tables>,
  instanceId: string,
  policy: Policy,
  at: Moment,
  settledAt: Moment = at,
): Promise<void> {
  const known = await trx
    .selectFrom('instances')
    .leftJoin('policies', 'policies.instance_id', 'instances.id')
    .select(['policy', 'changed_at'])
    .where('instances.id', '=', instanceId)
    .executeTakeFirst()
  if (!known) throw new Fault('not_found', `no instance ${instanceId}`)
  const same = markOf(knownPolicy(known).policy.schedule) === markOf(policy.schedule)
  const row = { policy: JSON.stringify(policy), changed_at: at }
  await trx
    .insertInto('policies')
    .values({ instance_id: instanceId, ...row, due_at: settledAt })
    .onConflict((conflict) => conflict.column('instance_id').doUpdateSet(same ? row : { ...row, due_at: settledAt }))
    .execute()
}

/** Gives a new instance its policy. One that is taken up again keeps the policy it had, and missed nothing meanwhile. */
export async function putFirstPolicy(trx: Transaction<Tables>, instanceId: string, policy: Policy, at: Moment) {
  await trx
    .insertInto('policies')
    .values({ instance_id: instanceId, policy: JSON.stringify(policy), changed_at: at, due_at: at })
    .onConflict((conflict) => conflict.column('instance_id').doUpdateSet({ changed_at: at, due_at: at }))
    .execute()
}

/** The policy of a row, or of none. */
export const knownPolicy = ({
  policy,
  changed_at,
}: {
  policy: string | null
  changed_at: Moment | null
}): KnownPolicy => ({
  policy: policy === null ? UNTOUCHED_POLICY : (JSON.parse(policy) as Policy),
  changedAt: changed_at ?? 0,
})

async function needSet(trx: Transaction<Tables>, database: Database, instanceId: string, setId: string) {
  const id = needNumber(setId, 'set')
  const set = await lockSet(trx, database, id)
  if (set?.instance_id !== instanceId) throw new Fault('not_found', `no set ${setId} of instance ${instanceId}`)
  return id
}
