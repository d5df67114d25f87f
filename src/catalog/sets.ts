import { sql, type Transaction } from 'kysely'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import type { Catalog } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { dependentOwner, holdForGood, liftHolds, lockSet, PIN, raiseVersion, sumUpHolds } from './holds.ts'
import { needNumber, passIds } from './ids.ts'
import { settle, spend } from './once.ts'
import { bucketOf, count, rowOf } from './set-rows.ts'
import type { Tables } from './tables.ts'
import { insertTask } from './task-rows.ts'

/** Adds a set to its instance, and holds the one it adds to. Gives false, and does nothing, when the id is known. */
export async function insertSet(trx: Transaction<Tables>, database: Database, set: BackupSet): Promise<boolean> {
  const row = rowOf(set)
  const added = await trx
    .insertInto('sets')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!added) return false
  // A dependent that was adopted before its parent holds it already.
  await sumUpHolds(trx, row.id)
  if (row.parent_id != null && !set.removing) await holdParent(trx, database, row.id, row.parent_id)
  if (!set.removing) await count(trx, { instance_id: set.instanceId, bucket: bucketOf(set), size: set.size }, 1)
  if (set.pinned && !set.removing) await holdForGood(trx, database, row.id, PIN)
  await noteAdded(trx, set)
  return true
}

/** The parent may be adopted after its dependent: the hold waits for it. */
async function holdParent(trx: Transaction<Tables>, database: Database, id: number, parentId: number): Promise<void> {
  if (await lockSet(trx, database, parentId)) return holdForGood(trx, database, parentId, dependentOwner(id))
  await trx
    .insertInto('holds')
    .values({ set_id: parentId, owner: dependentOwner(id), until: Number.MAX_SAFE_INTEGER })
    .execute()
}

/** Notes on its instance that a set was added, and that it was a success if it was the newest one. */
export async function noteAdded(trx: Transaction<Tables>, set: BackupSet): Promise<void> {
  await raiseVersion(trx, set.instanceId)
  if (set.status !== 'Success') return
  await trx
    .updateTable('instances')
    .set({ last_success_at: set.endedAt, last_duration_ms: set.endedAt - set.startedAt })
    .where('id', '=', set.instanceId)
    .where(sql<boolean>`coalesce(last_success_at, 0) <= ${set.endedAt}`)
    .execute()
}

/** Hides one set and adds the task that removes it. */
async function startRemoval(trx: Transaction<Tables>, database: Database, instanceId: string, id: number) {
  const set = await lockSet(trx, database, id)
  if (set?.instance_id !== instanceId) throw new Fault('not_found', `no set ${id} of instance ${instanceId}`)
  if (set.held_until > set.now) {
    throw new Fault('locked', `remove set ${id}: it is needed`, {
      hint: 'Wait until nothing reads it any more and no later set adds to it.',
    })
  }
  await trx.updateTable('sets').set({ removing: 1 }).where('id', '=', id).execute()
  await liftHolds(trx, database, dependentOwner(id))
  await count(trx, set, -1)
  const task = await insertTask(trx, database, { kind: 'expire', instanceId, setId: String(id), request: {} })
  if (!task) throw new Error('an expire task collides with nothing')
  return task
}

/** Dependents before what they add to: a removal that is cut short leaves whole chains. Starts tell, since a dependent starts later. */
async function dependentsFirst(trx: Transaction<Tables>, ids: readonly number[]): Promise<readonly number[]> {
  if (ids.length < 2) return ids
  const rows = await trx
    .selectFrom('sets')
    .select('id')
    .where('id', 'in', ids)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  const known = rows.map(({ id }) => id)
  return [...known, ...ids.filter((id) => !known.includes(id))]
}

export const setMethods = ({ database }: Deps): Pick<Catalog, 'adoptSet' | 'removeSets' | 'hasDependents'> => ({
  hasDependents: (instanceId, setId) =>
    database.read(async (db) => {
      const row = await db
        .selectFrom('sets')
        .select('id')
        .where('instance_id', '=', instanceId)
        .where('parent_id', '=', needNumber(setId, 'set'))
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    }),

  adoptSet: (set) =>
    database.write(async (trx) => {
      const instance = await trx
        .selectFrom('instances')
        .select('id')
        .where('id', '=', set.instanceId)
        .executeTakeFirst()
      if (!instance) throw new Fault('not_found', `adopt set ${set.id}: no instance ${set.instanceId}`)
      await passIds(trx, needNumber(set.id, 'set'))
      return insertSet(trx, database, set)
    }),

  removeSets: (instanceId, setIds, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const ids = [...new Set(setIds.map((id) => needNumber(id, 'set')))]
      const tasks = []
      for (const id of await dependentsFirst(trx, ids)) tasks.push(await startRemoval(trx, database, instanceId, id))
      if (tasks.length > 0) await raiseVersion(trx, instanceId)
      await settle(trx, once, tasks)
      return tasks
    }),
})
