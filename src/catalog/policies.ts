import { sql, type Transaction } from 'kysely'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import { UNTOUCHED_POLICY, type Policy } from '../core/policy.ts'
import type { Moment } from '../lib/clock.ts'
import type { Once } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { holdForGood, liftHold, lockSet, PIN, raiseVersion } from './holds.ts'
import { needNumber } from './ids.ts'
import { changeInstance } from './instance-changes.ts'
import { spend } from './once.ts'
import { putPolicy, readPolicy, type InstancePolicy } from './policy-rows.ts'
import type { Tables } from './tables.ts'

/** What one set has of its own instead of what its policy says. */
export type KeptSet = Pick<BackupSet, 'id' | 'pinned' | 'expiresAt'>

/** What the catalog knows of policies, and of what single sets have of their own instead. */
export interface PolicyCatalog {
  /** UNTOUCHED_POLICY for an instance that never had one; undefined when there is no such instance. */
  policyOf(instanceId: string): Promise<InstancePolicy | undefined>
  /**
   * Makes what `change` makes of an instance's policy its policy from `at` on, and gives it; `preferReplica`, when given, becomes
   * a setting of the instance with it. Fault 'not_found' when there is no such instance.
   */
  changePolicy(
    instanceId: string,
    change: (policy: Policy) => Policy,
    options: { readonly at: Moment; readonly preferReplica?: boolean | undefined },
    once?: Once,
  ): Promise<Policy>
  /** The sets of an instance that are pinned or have an end of their own. */
  keptSets(instanceId: string): Promise<readonly KeptSet[]>
  /** Keeps a set from being removed by anybody until it is unpinned. Fault 'not_found' when the instance has no such set. */
  pinSet(instanceId: string, setId: string, pinned: boolean, once?: Once): Promise<void>
  /** Gives sets an end of their own instead of their policy's, all or none: a moment, `NEVER`, or undefined for the policy's again. */
  setExpiry(instanceId: string, setIds: readonly string[], expiresAt: Moment | undefined, once?: Once): Promise<void>
}

export const policyMethods = (deps: Deps): PolicyCatalog => ({
  policyOf: (instanceId) => deps.database.read((db) => readPolicy(db, instanceId)),

  changePolicy: (instanceId, change, { at, preferReplica }, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      // First of all, so that no other change of the same instance comes between what is read and what is written.
      await changeInstance(trx, deps, instanceId, preferReplica === undefined ? {} : { settings: { preferReplica } })
      const policy = change((await readPolicy(trx, instanceId))?.policy ?? UNTOUCHED_POLICY)
      await putPolicy(trx, instanceId, policy, at)
      return policy
    }),

  keptSets: (instanceId) =>
    deps.database.read(async (db) => {
      const rows = await db
        .selectFrom('sets')
        .select(['id', 'pinned', 'expires_at'])
        .where('instance_id', '=', instanceId)
        .where(sql<boolean>`(pinned = 1 or expires_at is not null)`)
        .where('removing', '=', 0)
        .orderBy('id')
        .execute()
      return rows.map(({ id, pinned, expires_at }) => ({
        id: String(id),
        pinned: pinned === 1,
        ...(expires_at !== null && { expiresAt: expires_at }),
      }))
    }),

  pinSet: (instanceId, setId, pinned, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      const id = await needSet(trx, deps.database, instanceId, setId)
      await trx
        .updateTable('sets')
        .set({ pinned: pinned ? 1 : 0 })
        .where('id', '=', id)
        .execute()
      if (pinned) await holdForGood(trx, deps.database, id, PIN)
      else await liftHold(trx, deps.database, id, PIN)
      await raiseVersion(trx, instanceId)
    }),

  setExpiry: (instanceId, setIds, expiresAt, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      for (const setId of setIds) {
        const id = await needSet(trx, deps.database, instanceId, setId)
        await trx
          .updateTable('sets')
          .set({ expires_at: expiresAt ?? null })
          .where('id', '=', id)
          .execute()
      }
      await raiseVersion(trx, instanceId)
    }),
})

async function needSet(trx: Transaction<Tables>, database: Database, instanceId: string, setId: string) {
  const id = needNumber(setId, 'set')
  const set = await lockSet(trx, database, id)
  if (set?.instance_id !== instanceId) throw new Fault('not_found', `no set ${setId} of instance ${instanceId}`)
  return id
}
