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

/** The file name of a set's download, which a person can read: `pg-orders_20260102030405_1234.tar.zst`. */
export const downloadName = (set: Named): string =>
  `${set.instanceId}_${compactSeconds(set.startedAt)}_${set.id}${set.method === 'Physical' ? '.tar.zst' : '.tar'}`
