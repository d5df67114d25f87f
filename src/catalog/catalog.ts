import type { Selectable } from 'kysely'
import type { AuditEntry, AuditRecord } from '../core/audit.ts'
import type { BackupSet, SetMode, SetStatus, SetType } from '../core/backup-set.ts'
import type { Instance, InstanceSettings, Node, NodeAddress, NodeRole } from '../core/instance.ts'
import type { Policy } from '../core/policy.ts'
import type { Lease, Progress, Task, TaskKind, TaskState } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import type { AlertCatalog } from './alerts.ts'
import type { AuditCatalog } from './audit.ts'
import type { BandwidthCatalog } from './bandwidth.ts'
import type { ClaimCatalog } from './claims.ts'
import type { KeyCatalog, MovedKey } from './keys.ts'
import type { LinkCatalog } from './links.ts'
import type { PolicyCatalog } from './policies.ts'
import type { KnownPolicy } from './policy-rows.ts'
import type { ScheduleCatalog } from './schedule.ts'
import type { DrillCatalog } from './drills.ts'
import type { StandingCatalog } from './standings.ts'
import type { ClientTokensTable } from './tables.ts'
import type { TokenCatalog } from './tokens.ts'

/** The newest catalog version this program writes. An older one is migrated; a newer one is refused with Fault 'too_new'. */
export const CATALOG_VERSION = 9

/**
 * The nonce of the call that asks for a change, spent in the change's own transaction: a second call with the same pair is
 * Fault 'replayed' and changes nothing, also after a restart and in every process. Absent for changes made locally.
 */
export interface Once {
  readonly keyId: string
  readonly nonce: string
  /** When its timestamp leaves the window and the pair may be forgotten. */
  readonly expiresAt: Moment
  /** Written as done in the change's own transaction. Absent: the change is not audited. */
  readonly audit?: AuditEntry
  /** Used up in the same: a second change with it, before it ends, is Fault 'repeated'. */
  readonly token?: TokenUse
}

/** The use of a client token by one call. */
export interface TokenUse {
  readonly action: string
  readonly token: string
  readonly digest: string
  readonly at: Moment
  readonly expiresAt: Moment
  /** What the call will be answered, made of the task that it adds, and kept with it. */
  readonly replyOf?: (task: Task) => Readonly<Record<string, unknown>>
}

/** A change by a command on this machine: no call, so no nonce. */
export interface LocalChange {
  readonly audit: AuditEntry
}

/** A change by the service itself, as a policy says. */
export type ServiceChange = LocalChange

export interface NewNode {
  /** Given back by a rebuild; a fresh decimal id when absent. */
  readonly id?: string
  readonly role: NodeRole
  readonly address: NodeAddress
}

export interface NewInstance {
  readonly id: string
  readonly engine: Instance['engine']
  readonly engineVersion: string
  readonly description: string
  readonly settings: InstanceSettings
  readonly systemIdentifier: string | undefined
  readonly createdAt: Moment
  readonly deregisteredAt?: Moment | undefined
  readonly nodes: readonly NewNode[]
  /** What its policy is from now on, unless it had one before it was deregistered. Absent: it has none. */
  readonly policy?: Policy
}

export interface InstanceQuery {
  readonly id?: string | undefined
  readonly engine?: string | undefined
  readonly search?: string | undefined
  readonly registeredOnly: boolean
  /** Only these. */
  readonly ids?: readonly string[] | undefined
  /** But not these. */
  readonly notIds?: readonly string[] | undefined
  /** False: only those that a clone still makes. True: only others. */
  readonly made?: boolean | undefined
  readonly offset: number
  readonly limit: number
}

export interface SetQuery {
  readonly instanceId: string
  readonly setId?: string | undefined
  readonly status?: SetStatus | undefined
  readonly mode?: SetMode | undefined
  readonly type?: SetType | undefined
  /** Bounds of the set's start, both included, in whole seconds of Unix time × 1000. */
  readonly from?: Moment | undefined
  readonly to?: Moment | undefined
  readonly offset: number
  readonly limit: number
}

export interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
}

export interface NewTask {
  readonly kind: TaskKind
  readonly instanceId?: string | undefined
  readonly setId?: string | undefined
  readonly request: unknown
  /** Of a clone: the instance that it makes, without nodes until it is made. Added with the task, and the task is about it. */
  readonly makes?: NewInstance
}

export interface TaskQuery {
  readonly id?: string | undefined
  readonly instanceId?: string | undefined
  readonly kind?: TaskKind | undefined
  readonly states?: readonly TaskState[] | undefined
}

/** What the metrics page tells of one instance, from the catalog so that it survives restarts. */
export interface InstanceFigures {
  readonly instanceId: string
  readonly succeeded: number
  readonly failed: number
  readonly bytes: number
  readonly lastSuccessAt: Moment | undefined
  readonly lastDurationMs: number | undefined
}

/** What whoever renews a lease is told. */
export interface Renewed {
  readonly cancelAsked: boolean
  readonly bytesPerSecond?: number
}

/**
 * The index of what we know. Every method is one transaction; on SQLite a writing one is BEGIN IMMEDIATE and retried whole.
 *
 * All promise: a missing row is undefined from a reader and Fault 'not_found' from a writer; a database that does not answer
 * is 'catalog_unavailable'. Leases are compared with the catalog's own time. Passwords and secrets are sealed before they
 * are written and opened when read.
 */
export interface Catalog
  extends
    AlertCatalog,
    StandingCatalog,
    AuditCatalog,
    BandwidthCatalog,
    KeyCatalog,
    ClaimCatalog,
    LinkCatalog,
    PolicyCatalog,
    ScheduleCatalog,
    DrillCatalog,
    TokenCatalog {
  readonly kind: 'sqlite' | 'postgres'

  /** Fault 'conflict' when the id is taken by a registered instance. A deregistered one of the same id is taken up again. */
  addInstance(instance: NewInstance, once?: Once): Promise<Instance>
  instance(id: string): Promise<Instance | undefined>
  instances(query: InstanceQuery): Promise<Page<Instance>>
  /** The number that goes up with each change of the instance or its sets; undefined when there is none. The page cache's key. */
  instanceVersion(id: string): Promise<number | undefined>
  /** Fault 'not_found' also for a node that it has not, 'conflict' when no node would be left. */
  updateInstance(id: string, change: InstanceChange, once?: Once): Promise<Instance>
  deregisterInstance(id: string, at: Moment, once?: Once): Promise<void>

  /** Newest first: start descending, then id descending. Sets being removed are not in it. */
  sets(query: SetQuery): Promise<Page<BackupSet>>
  /** Also one that is being removed, which says so. */
  set(id: string): Promise<BackupSet | undefined>
  /** Adds a set read from a store: `catalog rebuild`. A known id is left as it is; gives whether it was added. */
  adoptSet(set: BackupSet): Promise<boolean>
  /** Hides each set and adds one 'expire' task for each, all or none. Fault 'locked' when one is held, 'not_found' when one is not of the instance. */
  removeSets(instanceId: string, setIds: readonly string[], once?: Once | ServiceChange): Promise<Task[]>
  /**
   * Keeps a set from being removed for `ttlMs`, while a download reads it; again prolongs the hold of the same owner. It ends by
   * itself, so that a reader that died holds nothing. Fault 'not_found' when the set is gone or being removed.
   */
  holdSet(setId: string, owner: string, ttlMs: number): Promise<void>
  /** Ends such a hold before its time. One that is not there is no error. */
  releaseHold(setId: string, owner: string): Promise<void>
  /** Keeps a set, and so all that it adds to, from being removed until our task ends. Fault 'not_found' when it is gone or being removed. */
  holdForTask(lease: Lease, setId: string): Promise<void>
  /** Whether a set adds to this one, also one that is being removed. */
  hasDependents(instanceId: string, setId: string): Promise<boolean>
  /** Notes that a set's stored bytes were read whole: right, or wrong for `reason`. */
  noteVerified(lease: Lease, setId: string, outcome: { at: Moment; damage: string | undefined }): Promise<void>
  /** The same of a drill: only another drill takes back what one found. */
  noteDrilled(lease: Lease, setId: string, outcome: { at: Moment; damage: string | undefined }): Promise<void>

  /** Adds a task in state waiting. A take-backup gets its set's id here. Fault 'locked' when the instance has a take-backup that has not ended. A verify, restore or clone holds its set from here to its end. */
  addTask(task: NewTask, once?: Once): Promise<Task>
  task(id: string): Promise<Task | undefined>
  /** Newest first, at most 1000. */
  tasks(query: TaskQuery): Promise<Task[]>
  /**
   * Fault 'lease_lost' unless the lease is still ours. Gives whether a cancel was asked for, and of a backup how many bytes a second it
   * may put into the store from now on; none for as many as it can.
   */
  renewTask(lease: Lease, leaseMs: number, progress?: Progress): Promise<Renewed>
  /** Gives the task back as waiting, to be claimed after `delayMs`. `stopped` when only because the worker stops: that attempt was no try. */
  releaseTask(lease: Lease, reason: string, delayMs: number, options?: { stopped: boolean }): Promise<void>
  finishTask(lease: Lease, result: unknown): Promise<void>
  /** Ends the task as failed (or cancelled) with what it found all the same, and adds `failedSet` in the same transaction. The instance that a clone was to make is deregistered. */
  failTask(
    lease: Lease,
    reason: string,
    options: { state: 'failed' | 'cancelled'; failedSet?: BackupSet | undefined; result?: unknown },
  ): Promise<void>
  /**
   * The committing transaction of a backup: adds the set as Success and ends the task, or does neither: 'lease_lost', or 'cancelled'
   * when the task shall end.
   */
  commitSet(lease: Lease, set: BackupSet, result: unknown): Promise<void>
  /** The committing transaction of a clone: gives the instance that it makes its node and policy and ends the task, or does neither ('lease_lost'). */
  commitClone(lease: Lease, clone: CloneCommit, result: unknown): Promise<Instance>
  /** The committing transaction of an expire: the set is gone for ever. */
  commitRemoval(lease: Lease, setId: string): Promise<void>
  /** Fault 'conflict' when the task has ended. A waiting one ends as cancelled at once. */
  cancelTask(id: string, once?: Once): Promise<Task>
  /** Adds a task of this kind unless one has not ended. Gives whether it did. */
  ensureTask(task: NewTask): Promise<boolean>

  /** A worker says that it is alive; the health page asks when it last did. */
  beat(worker: string): Promise<void>
  /** Milliseconds since any worker's last beat; undefined when none ever was. */
  sinceLastBeat(): Promise<number | undefined>
  figures(): Promise<InstanceFigures[]>
  taskFigures(): Promise<{ kind: TaskKind; state: TaskState; count: number }[]>
  /** A fresh decimal id, never given before: for sets, tasks and nodes. */
  newId(): Promise<string>

  /** Forgets spent nonces, client tokens and worker beats that are past use, and routine tasks that ended well a week ago. */
  tidy(): Promise<void>
  /** Everything a store does not hold (keys, sealed passwords, Failed sets) and everything it does, as plain JSON with secrets opened: for `catalog export`, which seals it whole. */
  dump(): Promise<CatalogDump>
  /** Fault 'conflict' unless the catalog is empty. */
  load(dump: CatalogDump, local?: LocalChange): Promise<void>
  /** Names what is not as it must be: an integrity check of the database and of what refers to what. Empty when all is well. */
  check(): Promise<string[]>
  close(): Promise<void>
}

export interface InstanceChange {
  readonly description?: string
  readonly engineVersion?: string
  readonly systemIdentifier?: string
  readonly settings?: Partial<InstanceSettings>
  /** Roles last seen, by node id. */
  readonly roles?: Readonly<Record<string, NodeRole>>
  /** Addresses to take instead, whole, by node id: what one does not say, its password too, is gone. */
  readonly addresses?: Readonly<Record<string, NodeAddress>>
  readonly addNodes?: readonly NewNode[]
  readonly removeNodes?: readonly string[]
}

/** What a clone turned out to be. */
export interface CloneCommit {
  readonly instanceId: string
  readonly engineVersion: string
  readonly systemIdentifier: string | undefined
  readonly node: NewNode
  readonly policy: Policy
  readonly at: Moment
}

export interface CatalogDump {
  readonly version: number
  readonly instances: readonly Instance[]
  readonly sets: readonly BackupSet[]
  readonly keys: readonly MovedKey[]
  readonly tasks: readonly Task[]
  readonly nodes: readonly Node[]
  readonly lastId: number
  /** Absent in dumps of version 2 and earlier. */
  readonly audit?: readonly AuditRecord[]
  readonly tokens?: readonly Selectable<ClientTokensTable>[]
  readonly policies?: readonly (KnownPolicy & { readonly instanceId: string; readonly dueAt: Moment })[]
}
