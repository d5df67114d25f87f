import type { SetMethod } from '../core/backup-set.ts'
import type { Moment } from '../lib/clock.ts'
import { compactSeconds } from '../lib/time.ts'

/** What the name of a download is made of. */
export interface Named {
  readonly id: string
  readonly instanceId: string
  readonly startedAt: Moment
  readonly method: SetMethod
  /** Set when its parts are encrypted. */
  readonly encryption?: unknown
}

/**
 * The file name of a set's download, which a person can read: `pg-orders_20260102030405_1234.tar.zst`, encrypted `….tar.zst.age`; of one
 * of its objects, that behind it: `pg-orders_20260102030405_1234_db-16384-orders.dump.zst`. The tar of several is not encrypted itself.
 */
export function downloadName(set: Named, file?: string): string {
  const whole = set.method === 'Logical' ? '.tar' : set.encryption === undefined ? '.tar.zst' : '.tar.zst.age'
  const ending = file === undefined ? whole : `_${file}`
  return `${set.instanceId}_${compactSeconds(set.startedAt)}_${set.id}${ending}`
}
