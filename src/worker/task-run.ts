import type { Catalog } from '../catalog/catalog.ts'
import type { ClaimLimits } from '../catalog/claims.ts'
import type { EngineKind } from '../core/instance.ts'
import type { Lease, Progress, Task } from '../core/task.ts'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../lib/clock.ts'
import type { Pace } from '../lib/pace.ts'
import type { Log } from '../lib/log.ts'
import type { Encryption } from '../set/encryption.ts'
import type { Store } from '../store/store.ts'

/** What a worker is built from. */
export interface WorkerDeps {
  readonly catalog: Catalog
  readonly store: Store
  readonly engineOf: (kind: EngineKind) => Engine
  readonly clock: Clock
  readonly log: Log
  /** Tells this worker from every other, also from itself after a restart. */
  readonly name: string
  readonly settings: WorkerSettings
  /** What may run at once, over all workers; whatever each does when absent. */
  readonly limits?: ClaimLimits | undefined
  readonly restore: RestoreSettings
  /** The scratch directory of drills on this machine. */
  readonly scratch: string
  /** The directory of clones on this machine. Absent: this worker makes none, and releases none. */
  readonly clones?: string | undefined
  /** Whom new sets are encrypted to, and what opens those that are. Absent: no set is encrypted, and none is opened. */
  readonly encryption?: Encryption | undefined
  /** How long records of changes are kept; for ever when absent. */
  readonly auditMs?: number | undefined
}

export interface WorkerSettings {
  readonly leaseSeconds: number
  readonly pollSeconds: number
  readonly concurrency: number
  readonly attempts: number
  readonly retrySeconds: number
  readonly stopSeconds: number
  readonly compressionLevel: number
}

export interface RestoreSettings {
  /** Directories below which a restore may write; none refuses every restore. */
  readonly roots: readonly string[]
  readonly binDirs: readonly string[]
  /** Whom restored files shall belong to, when we run as root. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
}

/** One claimed task while it is done. */
export interface TaskRun {
  readonly task: Task
  readonly lease: Lease
  /** Aborts when the lease is lost, the task cancelled or the worker stopped: give up at once, write nothing more. */
  readonly signal: AbortSignal
  /** Notes how far the task is; cheap, call it as often as there is news. */
  readonly report: (progress: Progress) => void
  /** Notes the node that the bytes come from, so that a Failed set names it too. */
  readonly reached: (nodeId: string) => void
  /** The node noted last; undefined when none was reached. */
  readonly nodeId: string | undefined
  /** Fault 'lease_lost' unless the task is still ours now. Called before every write that others will see. */
  readonly renew: () => Promise<void>
  /** How fast bytes may go into the store; its rate is the task's share of the bandwidth, anew with each renewal. */
  readonly pace: Pace
}

/** The story of one kind of task. It ends the task itself; what it throws decides whether the task is tried again. */
export type Story = (run: TaskRun, deps: WorkerDeps) => Promise<void>
