import { sql, type Transaction } from 'kysely'
import type { BackupSet } from '../core/backup-set.ts'
import { FOREVER } from './database.ts'
import { dependentOwner, PIN } from './holds.ts'
import { needNumber, passIds } from './ids.ts'
import { addCounts, bucketOf, rowOf } from './set-rows.ts'
import { noteAdded } from './sets.ts'
import type { Tables } from './tables.ts'

/** Rows of one statement: PostgreSQL takes up to 65,535 values in one. */
const ROWS = 500

/** What `insertSet` does for each, in as few statements as will do. Fails when an id is known. */
export async function insertSets(trx: Transaction<Tables>, sets: readonly BackupSet[]): Promise<void> {
  if (sets.length === 0) return
  for (const rows of inBatches(sets.map(rowOf), ROWS)) await trx.insertInto('sets').values(rows).execute()
  await countAll(trx, sets)
  await placeHolds(trx, sets)
  for (const group of Map.groupBy(sets, (set) => set.instanceId).values()) await noteNewest(trx, group)
  await passIds(
    trx,
    sets.reduce((last, { id }) => Math.max(last, Number(id)), 0),
  )
}

async function countAll(trx: Transaction<Tables>, sets: readonly BackupSet[]): Promise<void> {
  const seen = sets.filter((set) => set.removing !== true)
  const groups = Map.groupBy(seen, (set) => `${bucketOf(set)} ${set.instanceId}`)
  const counts = [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const bytes = group.reduce((sum, { size }) => sum + size, 0)
    return [{ instance_id: first.instanceId, bucket: bucketOf(first), count: group.length, bytes }]
  })
  for (const each of counts) await addCounts(trx, each)
}

async function placeHolds(trx: Transaction<Tables>, sets: readonly BackupSet[]): Promise<void> {
  const holds = sets.flatMap(({ id, parentId, removing, pinned }) => {
    if (removing) return []
    const pin = pinned ? [{ set_id: needNumber(id, 'set'), owner: PIN, until: FOREVER }] : []
    if (parentId === undefined) return pin
    return [...pin, { set_id: needNumber(parentId, 'set'), owner: dependentOwner(Number(id)), until: FOREVER }]
  })
  for (const rows of inBatches(holds, ROWS)) await trx.insertInto('holds').values(rows).execute()
  await trx
    .updateTable('sets')
    .set({ held_until: sql<number>`(select max(until) from holds where holds.set_id = sets.id)` })
    .where('id', 'in', (held) => held.selectFrom('holds').select('set_id'))
    .execute()
}

async function noteNewest(trx: Transaction<Tables>, sets: readonly BackupSet[]): Promise<void> {
  const newest = sets.reduce((best, set) => (rankOf(set) > rankOf(best) ? set : best))
  await noteAdded(trx, newest)
}

/** The end of a success; less than any for a failure. */
const rankOf = ({ status, endedAt }: BackupSet): number => (status === 'Success' ? endedAt : -1)

/** Items in their order, `size` at a time. */
export function* inBatches<T>(items: Iterable<T>, size: number): Generator<readonly T[]> {
  let batch: T[] = []
  for (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
