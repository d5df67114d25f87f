import type { Insertable, Selectable, Transaction } from 'kysely'
import { sql } from 'kysely'
import type { BackupSet, SetDatabase } from '../core/backup-set.ts'
import type { SetEncryption } from '../core/manifest.ts'
import type { SetQuery } from './catalog.ts'
import type { Tuple } from './database.ts'
import { needNumber } from './ids.ts'
import type { SetCountsTable, SetsTable, Tables } from './tables.ts'

/** What readers of a set ask for, in the order of a tuple: the fewer values, the faster a page. Status, mode and type are in its bucket. */
const COLUMNS = [
  'id',
  'instance_id',
  'node_id',
  'bucket',
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
  'link_round',
  'pinned',
  'expires_at',
  'databases',
  'checksum',
  'drilled_at',
  'drill_damage',
  'encryption',
] as const satisfies readonly (keyof SetsTable)[]

type ValuesOf<Columns extends readonly (keyof SetsTable)[]> = {
  readonly [At in keyof Columns]: Selectable<SetsTable>[Columns[At]]
}
type SetTuple = readonly [...ValuesOf<typeof COLUMNS>, held: number]

/** The columns of a set's tuple in SQL, held or not as of `now`, an expression. */
export const setColumns = (now: string): string =>
  [...COLUMNS.map((column) => `sets.${column}`), `case when sets.held_until > ${now} then 1 else 0 end`].join(', ')

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

/** The set of a tuple of `setColumns`. */
export function setOf(tuple: Tuple): BackupSet {
  const [id, instanceId, nodeId, bucket, method, startedAt, endedAt, consistentAt, size, available, engine, ...more] =
    tuple as unknown as SetTuple
  const [engineVersion, manifestKey, parentId, reason, verifiedAt, damage, removing, linkRound, pinned, ...last] = more
  const [expiresAt, databases, checksum, drilledAt, drillDamage, encryption, held] = last
  const set: BackupSet = {
    ...(databases !== null && { databases: databasesIn(databases) }),
    ...(checksum !== null && { checksum }),
    ...(drilledAt !== null && { drilledAt }),
    ...(drillDamage !== null && { drillDamage }),
    ...(encryption !== null && { encryption: JSON.parse(encryption) as SetEncryption }),
    id: String(id),
    instanceId,
    nodeId: nodeId === null ? undefined : String(nodeId),
    status: (bucket & FAILED) === 0 ? 'Success' : 'Failed',
    type: (bucket & INCREMENTAL) === 0 ? 'FullBackup' : 'IncrementalBackup',
    mode: (bucket & MANUAL) === 0 ? 'Automated' : 'Manual',
    method,
    startedAt,
    endedAt,
    consistentAt: consistentAt ?? undefined,
    size,
    available: available === 1,
    engine,
    engineVersion,
    manifestKey: manifestKey ?? undefined,
    parentId: parentId === null ? undefined : String(parentId),
    reason: reason ?? undefined,
    held: held === 1,
    verifiedAt: verifiedAt ?? undefined,
  }
  if (damage === null && removing === 0 && linkRound === 0 && pinned === 0 && expiresAt === null) return set
  return {
    ...set,
    damage: damage ?? undefined,
    removing: removing === 1,
    ...(linkRound > 0 && { linkRound }),
    ...(pinned === 1 && { pinned: true }),
    ...(expiresAt !== null && { expiresAt }),
  }
}

const databasesIn = (json: string): readonly SetDatabase[] =>
  (JSON.parse(json) as [string, string][]).map(([name, file]) => ({ name, file }))

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
    link_round: set.linkRound ?? 0,
    pinned: set.pinned ? 1 : 0,
    expires_at: set.expiresAt ?? null,
    databases: set.databases === undefined ? null : JSON.stringify(set.databases.map(({ name, file }) => [name, file])),
    checksum: set.checksum ?? null,
    drilled_at: set.drilledAt ?? null,
    drill_damage: set.drillDamage ?? null,
    encryption: set.encryption === undefined ? null : JSON.stringify(set.encryption),
  }
}

/** Adds one set of this bucket and size to what its instance counts, or takes it away. */
export async function count(
  trx: Transaction<Tables>,
  set: Pick<SetsTable, 'instance_id' | 'bucket' | 'size'>,
  sign: 1 | -1,
): Promise<void> {
  const { instance_id, bucket, size } = set
  if (sign === 1) return addCounts(trx, { instance_id, bucket, count: 1, bytes: size })
  await trx
    .updateTable('set_counts')
    .set({ count: sql`count - 1`, bytes: sql`bytes - ${size}` })
    .where('instance_id', '=', instance_id)
    .where('bucket', '=', bucket)
    .execute()
}

/** Adds to what an instance counts in one bucket. */
export async function addCounts(trx: Transaction<Tables>, counted: Insertable<SetCountsTable>): Promise<void> {
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
