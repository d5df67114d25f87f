import type { SetEncryption } from './manifest.ts'
import type { Moment } from '../lib/clock.ts'

export type SetStatus = 'Success' | 'Failed'
export type SetType = 'FullBackup' | 'IncrementalBackup'
export type SetMode = 'Automated' | 'Manual'
export type SetMethod = 'Physical' | 'Logical'

/** A database in a logical set: its name, and that of its object within the set. */
export interface SetDatabase {
  readonly name: string
  readonly file: string
}

/** What can be restored, as the catalog knows it. A Failed set holds its reason and no bytes. */
export interface BackupSet {
  /** `BackupId`: decimal, below 2^53, unique over the service, never reused. */
  readonly id: string
  readonly instanceId: string
  /** `HostInstanceID`: the node that gave the bytes. Absent when none was reached. */
  readonly nodeId: string | undefined
  readonly status: SetStatus
  readonly type: SetType
  readonly mode: SetMode
  readonly method: SetMethod
  readonly startedAt: Moment
  readonly endedAt: Moment
  /** The moment that a restore of this set alone brings back. */
  readonly consistentAt: Moment | undefined
  /** Bytes of its download; 0 for a Failed set. */
  readonly size: number
  /** CRC-64 of ECMA-182 of its download, decimal; absent for a Failed set, and for one written before such sums were kept. */
  readonly checksum?: string
  /** False when it can be restored only in part (bad pages in the source). */
  readonly available: boolean
  readonly engine: string
  readonly engineVersion: string
  /** Key of its manifest in the store; absent for a Failed set. */
  readonly manifestKey: string | undefined
  /** The set it adds to; absent for a full set. */
  readonly parentId: string | undefined
  /** Why it failed, in plain words; absent for Success. */
  readonly reason: string | undefined
  /** Whether a hold, a chain or a pin keeps it from being deleted now. */
  readonly held: boolean
  /** The last time its stored bytes were read whole and found right. */
  readonly verifiedAt: Moment | undefined
  /** What the last read of its stored bytes found wrong; absent when it found nothing. */
  readonly damage?: string | undefined
  /** When a drill last proved that it comes back; absent when none ever did. */
  readonly drilledAt?: Moment
  /** What the last drill found wrong; absent when there was none, or it found nothing. */
  readonly drillDamage?: string
  /** Whether a task is removing it. Such a set is in no list, and for users it is gone. */
  readonly removing?: boolean
  /** Whether somebody said that it stays until he says otherwise. */
  readonly pinned?: boolean
  /** When it goes whatever its policy says, or `NEVER`; absent: as the policy says. */
  readonly expiresAt?: Moment
  /** How often its links were revoked; absent for never. A link of an earlier round is no more good. */
  readonly linkRound?: number
  /** To whom its parts are encrypted; absent when they are not. */
  readonly encryption?: SetEncryption
  /** Of a logical set: each database, by name. */
  readonly databases?: readonly SetDatabase[]
}

/** Whether a set brings everything back, as far as is known. */
export const isGood = (set: Pick<BackupSet, 'status' | 'available' | 'damage' | 'drillDamage'>): boolean =>
  set.status === 'Success' && set.available && set.damage === undefined && set.drillDamage === undefined

/** The end of a set that shall never be removed by itself. */
export const NEVER: Moment = Number.MAX_SAFE_INTEGER
