import type { SetMethod } from '../core/backup-set.ts'
import type { Moment } from '../lib/clock.ts'
import { compactSeconds } from '../lib/time.ts'

/** What the name of a download is made of. */
export interface Named {
  readonly id: string
  readonly instanceId: string
  readonly startedAt: Moment
  readonly method: SetMethod
}

/**
 * The file name of a set's download, which a person can read: `pg-orders_20260102030405_1234.tar.zst`; of one of its objects, that
 * behind it: `pg-orders_20260102030405_1234_db-16384-orders.dump.zst`.
 */
export function downloadName(set: Named, file?: string): string {
  const ending = file === undefined ? (set.method === 'Physical' ? '.tar.zst' : '.tar') : `_${file}`
  return `${set.instanceId}_${compactSeconds(set.startedAt)}_${set.id}${ending}`
}
