import type { Insertable, Selectable, Transaction } from 'kysely'
import { sql } from 'kysely'
import type { BackupSet } from '../core/backup-set.ts'
import { needNumber } from './ids.ts'
import type { SetQuery } from './catalog.ts'
import type { SetCountsTable, SetsTable, Tables } from './tables.ts'

/** What readers of a set ask for; `held` comes beside them. */
export const SET_COLUMNS = [
  'id',
  'instance_id',
  'node_id',
  'status',
  'type',
  'mode',
  'method',
  'started_at',
  'ended_at',
  'consistent_at',
  'size',
  'available',
  'engine',
  'engine_version',
  'manifest_key',
  'parent_id',
  'reason',
  'verified_at',
  'damage',
  'removing',
] as const satisfies readonly (keyof SetsTable)[]

export type SetRow = Pick<Selectable<SetsTable>, (typeof SET_COLUMNS)[number]> & { readonly held: number }

const FAILED = 1
const MANUAL = 2
const INCREMENTAL = 4
const ALL_BUCKETS = [0, 1, 2, 3, 4, 5, 6, 7] as const

/** Status, mode and type as one number below 8: what sets are counted and filtered by. */
export const bucketOf = ({ status, mode, type }: Pick<BackupSet, 'status' | 'mode' | 'type'>): number =>
  (status === 'Failed' ? FAILED : 0) |
  (mode === 'Manual' ? MANUAL : 0) |
  (type === 'IncrementalBackup' ? INCREMENTAL : 0)

/** The buckets whose sets a query takes; all eight when it has no filter. */
export const bucketsOf = ({ status, mode, type }: Pick<SetQuery, 'status' | 'mode' | 'type'>): readonly number[] =>
  ALL_BUCKETS.filter(
    (bucket) =>
      (status === undefined || (status === 'Failed') === ((bucket & FAILED) !== 0)) &&
      (mode === undefined || (mode === 'Manual') === ((bucket & MANUAL) !== 0)) &&
      (type === undefined || (type === 'IncrementalBackup') === ((bucket & INCREMENTAL) !== 0)),
  )

export function setOf(row: SetRow): BackupSet {
  const set: BackupSet = {
    id: String(row.id),
    instanceId: row.instance_id,
    nodeId: row.node_id === null ? undefined : String(row.node_id),
    status: row.status,
    type: row.type,
    mode: row.mode,
    method: row.method,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    consistentAt: row.consistent_at ?? undefined,
    size: row.size,
    available: row.available === 1,
    engine: row.engine,
    engineVersion: row.engine_version,
    manifestKey: row.manifest_key ?? undefined,
    parentId: row.parent_id === null ? undefined : String(row.parent_id),
    reason: row.reason ?? undefined,
    held: row.held === 1,
    verifiedAt: row.verified_at ?? undefined,
  }
  if (row.damage === null && row.removing === 0) return set
  return { ...set, damage: row.damage ?? undefined, removing: row.removing === 1 }
}

/** The row of a new set. What holds it is not in it. */
export function rowOf(set: BackupSet): Insertable<SetsTable> {
  return {
    id: needNumber(set.id, 'set'),
    instance_id: set.instanceId,
    node_id: set.nodeId === undefined ? null : needNumber(set.nodeId, 'node'),
    status: set.status,
    type: set.type,
    mode: set.mode,
    method: set.method,
    bucket: bucketOf(set),
    started_at: set.startedAt,
    ended_at: set.endedAt,
    consistent_at: set.consistentAt ?? null,
    size: set.size,
    available: set.available ? 1 : 0,
    engine: set.engine,
    engine_version: set.engineVersion,
    manifest_key: set.manifestKey ?? null,
    parent_id: set.parentId === undefined ? null : needNumber(set.parentId, 'set'),
    reason: set.reason ?? null,
    verified_at: set.verifiedAt ?? null,
    damage: set.damage ?? null,
    held_until: 0,
    removing: set.removing ? 1 : 0,
  }
}

/** Adds one set of this bucket and size to what its instance counts, or takes it away. */
export async function count(
  trx: Transaction<Tables>,
  set: Pick<SetsTable, 'instance_id' | 'bucket' | 'size'>,
  sign: 1 | -1,
): Promise<void> {
  const { instance_id, bucket, size } = set
  if (sign === 1) return add(trx, { instance_id, bucket, count: 1, bytes: size })
  await trx
    .updateTable('set_counts')
    .set({ count: sql`count - 1`, bytes: sql`bytes - ${size}` })
    .where('instance_id', '=', instance_id)
    .where('bucket', '=', bucket)
    .execute()
}

async function add(trx: Transaction<Tables>, counted: Insertable<SetCountsTable>): Promise<void> {
  await trx
    .insertInto('set_counts')
    .values(counted)
    .onConflict((conflict) =>
      conflict.columns(['instance_id', 'bucket']).doUpdateSet({
        count: sql`set_counts.count + excluded.count`,
        bytes: sql`set_counts.bytes + excluded.bytes`,
      }),
    )
    .execute()
}
