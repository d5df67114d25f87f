import type { Kysely, Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import { UNTOUCHED_POLICY, type Policy } from '../core/policy.ts'
import { markOf } from '../core/schedule.ts'
import type { Moment } from '../lib/clock.ts'
import type { Tables } from './tables.ts'

/** An instance's policy, and when it became that. */
export interface KnownPolicy {
  readonly policy: Policy
  /** 0 when the instance never had one. */
  readonly changedAt: Moment
}

/** The same, and whether its instance is deregistered. */
export interface InstancePolicy extends KnownPolicy {
  readonly released: boolean
}

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
  const known = await readPolicy(trx, instanceId)
  if (!known) throw new Fault('not_found', `no instance ${instanceId}`)
  const same = markOf(known.policy.schedule) === markOf(policy.schedule)
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

/** The policy of an instance; undefined when there is no such instance. */
export async function readPolicy(db: Kysely<Tables>, instanceId: string): Promise<InstancePolicy | undefined> {
  const row = await db
    .selectFrom('instances')
    .leftJoin('policies', 'policies.instance_id', 'instances.id')
    .select(['policy', 'changed_at', 'deregistered_at'])
    .where('instances.id', '=', instanceId)
    .executeTakeFirst()
  return row && { ...knownPolicy(row), released: row.deregistered_at !== null }
}

/** The policy of a registered instance. */
export interface RegisteredPolicy extends KnownPolicy {
  readonly instanceId: string
  /** Up to when its schedule is settled: nothing that was due by then is missed. */
  readonly settledAt: Moment
}

/** The policies of all registered instances that have one, by instance. */
export async function policiesOfRegistered(db: Kysely<Tables>): Promise<readonly RegisteredPolicy[]> {
  const rows = await db
    .selectFrom('policies')
    .innerJoin('instances', 'instances.id', 'policies.instance_id')
    .select(['instance_id', 'policy', 'changed_at', 'due_at'])
    .where('deregistered_at', 'is', null)
    .orderBy('instance_id')
    .execute()
  return rows.map((row) => ({ ...knownPolicy(row), instanceId: row.instance_id, settledAt: row.due_at }))
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
