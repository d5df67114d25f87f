import type { Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Lease } from '../core/task.ts'
import type { Catalog } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { dependentOwner, holdForGood, liftHolds, raiseVersion, taskOwner } from './holds.ts'
import { needNumber } from './ids.ts'
import { changeInstance, dropUnmade } from './instance-changes.ts'
import { change, type TaskChange } from './leases.ts'
import { putFirstPolicy } from './policy-rows.ts'
import { insertSet } from './sets.ts'
import type { SetsTable, Tables } from './tables.ts'
import { jsonOf } from './task-rows.ts'

type Methods =
  | 'finishTask'
  | 'failTask'
  | 'commitSet'
  | 'commitRemoval'
  | 'noteVerified'
  | 'noteDrilled'
  | 'commitClone'
  | 'holdForTask'

/** What a worker writes at the end of its task: with the task's own end in one transaction, so that a lost lease undoes it. */
export const taskEndMethods = ({ database, sealer }: Deps): Pick<Catalog, Methods> => ({
  finishTask: (lease, result) =>
    database.write(async (trx) => {
      await finish(trx, database, lease, result)
    }),

  failTask: (lease, reason, { state, failedSet, result }) =>
    database.write(async (trx) => {
      await end(trx, database, lease, { state, reason, ...(result !== undefined && { result: jsonOf(result) }) })
      if (failedSet) await insertSet(trx, database, failedSet)
      await dropUnmade(trx, database, needNumber(lease.taskId, 'task'))
    }),

  commitSet: (lease, set, result) =>
    database.write(async (trx) => {
      const { cancel_asked } = await finish(trx, database, lease, result)
      if (cancel_asked === 1) throw new Fault('cancelled', `task ${lease.taskId} was cancelled`)
      // A rebuild may have found the manifest and adopted the set since it was written.
      await insertSet(trx, database, set)
    }),

  commitClone: (lease, { instanceId, engineVersion, systemIdentifier, node, policy, at }, result) =>
    database.write(async (trx) => {
      await finish(trx, database, lease, result)
      await putFirstPolicy(trx, instanceId, policy, at)
      const known = systemIdentifier === undefined ? {} : { systemIdentifier }
      return changeInstance(trx, { database, sealer }, instanceId, { engineVersion, ...known, addNodes: [node] })
    }),

  commitRemoval: (lease, setId) =>
    database.write(async (trx) => {
      await finish(trx, database, lease, undefined)
      await forgetSet(trx, database, needNumber(setId, 'set'))
    }),

  holdForTask: (lease, setId) =>
    database.write(async (trx) => {
      const { id } = await change(trx, database, lease, {})
      await holdForGood(trx, database, needNumber(setId, 'set'), taskOwner(id))
    }),

  noteVerified: (lease, setId, outcome) =>
    database.write(async (trx) => {
      await change(trx, database, lease, {})
      const { at, damage } = outcome
      await note(trx, setId, damage === undefined ? { verified_at: at, damage: null } : { damage })
    }),

  noteDrilled: (lease, setId, { at, damage }) =>
    database.write(async (trx) => {
      await change(trx, database, lease, {})
      await note(trx, setId, damage === undefined ? { drilled_at: at, drill_damage: null } : { drill_damage: damage })
    }),
})

/** Ends a task that we hold, and what it held. */
async function end(trx: Transaction<Tables>, database: Database, lease: Lease, values: TaskChange) {
  const row = await change(trx, database, lease, { ...values, ended_at: database.now() })
  await liftHolds(trx, database, taskOwner(row.id))
  return row
}

const finish = (trx: Transaction<Tables>, database: Database, lease: Lease, result: unknown) =>
  end(trx, database, lease, { state: 'finished', phase: 'done', percent: 100, result: jsonOf(result), reason: null })

async function forgetSet(trx: Transaction<Tables>, database: Database, id: number): Promise<void> {
  const set = await trx
    .deleteFrom('sets')
    .where('id', '=', id)
    .where('removing', '=', 1)
    .returning('instance_id')
    .executeTakeFirst()
  await trx.deleteFrom('holds').where('set_id', '=', id).execute()
  await liftHolds(trx, database, dependentOwner(id))
  if (set) await raiseVersion(trx, set.instance_id)
}

type Proof = Partial<Pick<SetsTable, 'verified_at' | 'damage' | 'drilled_at' | 'drill_damage'>>

async function note(trx: Transaction<Tables>, setId: string, proof: Proof): Promise<void> {
  const set = await trx
    .updateTable('sets')
    .set(proof)
    .where('id', '=', needNumber(setId, 'set'))
    .returning('instance_id')
    .executeTakeFirst()
  if (!set) throw new Fault('not_found', `no set ${setId}`)
  await raiseVersion(trx, set.instance_id)
}
