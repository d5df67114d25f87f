import { sql, type Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Catalog } from './catalog.ts'
import { FOREVER, type Database, type Deps } from './database.ts'
import { needNumber } from './ids.ts'
import type { HoldsTable, Tables } from './tables.ts'

/** Who holds a set while a task needs it. */
export const taskOwner = (taskId: number): string => `task/${taskId}`

/** Who holds a set because another one adds to it. */
export const dependentOwner = (setId: number): string => `set/${setId}`

/** Who holds a set that is pinned. */
export const PIN = 'pin'

/** Says that something of the instance or its sets changed. */
export async function raiseVersion(trx: Transaction<Tables>, instanceId: string): Promise<void> {
  await trx
    .updateTable('instances')
    .set({ version: sql`version + 1` })
    .where('id', '=', instanceId)
    .execute()
}

/** A set that is not being removed, with no other transaction at it until ours ends. Undefined when there is none. */
export async function lockSet(trx: Transaction<Tables>, { kind, now }: Database, id: number) {
  return trx
    .selectFrom('sets')
    .select(['id', 'instance_id', 'bucket', 'size', 'started_at', 'parent_id', 'held_until'])
    .select(now().as('now'))
    .where('id', '=', id)
    .where('removing', '=', 0)
    .$if(kind === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
}

/** Keeps a set from being removed until `until`, or longer if `owner` held it before. Fault 'not_found' when it is gone already. */
export async function placeHold(
  trx: Transaction<Tables>,
  database: Database,
  hold: { setId: number; owner: string; until: number },
): Promise<void> {
  const found = await changeHolds(trx, database, hold.setId, () => upsertHold(trx, hold))
  if (!found) throw new Fault('not_found', `no set ${hold.setId}`)
}

async function upsertHold(
  trx: Transaction<Tables>,
  { setId, owner, until }: { setId: number; owner: string; until: number },
) {
  const row: HoldsTable = { set_id: setId, owner, until }
  await trx
    .insertInto('holds')
    .values(row)
    .onConflict((conflict) => conflict.columns(['set_id', 'owner']).doUpdateSet({ until }))
    .execute()
}

/** Ends all holds of one owner. */
export async function liftHolds(trx: Transaction<Tables>, database: Database, owner: string): Promise<void> {
  const held = await trx.selectFrom('holds').select('set_id').where('owner', '=', owner).execute()
  for (const { set_id } of held) await liftHold(trx, database, set_id, owner)
}

/** Ends the hold of one owner on one set. */
export async function liftHold(
  trx: Transaction<Tables>,
  database: Database,
  setId: number,
  owner: string,
): Promise<void> {
  const remove = () => trx.deleteFrom('holds').where('set_id', '=', setId).where('owner', '=', owner).execute()
  // Of a set that is gone, or going, only the hold itself is left.
  if (!(await changeHolds(trx, database, setId, remove))) await remove()
}

/**
 * Does `change` to the holds of one set while nobody else can, brings the set's own word on them up to date, and raises the
 * version of its instance if that made a difference. False when the set is gone or being removed: then nothing was done.
 */
async function changeHolds(
  trx: Transaction<Tables>,
  database: Database,
  setId: number,
  change: () => Promise<unknown>,
): Promise<boolean> {
  const before = await lockSet(trx, database, setId)
  if (!before) return false
  await change()
  const heldUntil = await sumUpHolds(trx, setId)
  if (before.held_until > before.now !== heldUntil > before.now) await raiseVersion(trx, before.instance_id)
  return true
}

/** Writes into the set when the last of its holds ends, and gives it. */
export async function sumUpHolds(trx: Transaction<Tables>, setId: number): Promise<number> {
  const { held_until } = await trx
    .updateTable('sets')
    .set({ held_until: sql<number>`coalesce((select max(until) from holds where set_id = ${setId}), 0)` })
    .where('id', '=', setId)
    .returning('held_until')
    .executeTakeFirstOrThrow()
  return held_until
}

/** Forgets holds that ended by themselves. */
export async function forgetHolds(trx: Transaction<Tables>, database: Database): Promise<void> {
  const ended = await trx.deleteFrom('holds').where('until', '<=', database.now()).returning('set_id').execute()
  for (const setId of new Set(ended.map(({ set_id }) => set_id))) {
    const set = await lockSet(trx, database, setId)
    if (!set) continue
    await sumUpHolds(trx, setId)
    await raiseVersion(trx, set.instance_id)
  }
}

/** A hold that lasts until its owner lifts it. */
export const holdForGood = (
  trx: Transaction<Tables>,
  database: Database,
  setId: number,
  owner: string,
): Promise<void> => placeHold(trx, database, { setId, owner, until: FOREVER })

export const holdMethods = ({ database }: Deps): Pick<Catalog, 'holdSet' | 'releaseHold'> => ({
  holdSet: (setId, owner, ttlMs) =>
    database.write(async (trx) => {
      const id = needNumber(setId, 'set')
      const set = await lockSet(trx, database, id)
      if (!set) throw new Fault('not_found', `no set ${setId}`)
      await placeHold(trx, database, { setId: id, owner: `download/${owner}`, until: set.now + ttlMs })
    }),
  releaseHold: (setId, owner) =>
    database.write((trx) => liftHold(trx, database, needNumber(setId, 'set'), `download/${owner}`)),
})
