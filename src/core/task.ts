import type { Moment } from '../lib/clock.ts'
import type { SetMethod, SetType } from './backup-set.ts'

export const TASK_KINDS = [
  'take-backup',
  'verify',
  'drill',
  'restore',
  'clone',
  'release',
  'expire',
  'retain',
  'sweep',
] as const
export type TaskKind = (typeof TASK_KINDS)[number]

/** Kinds that move the bytes of whole sets: what limits are for. */
export const BULK_KINDS = ['take-backup', 'verify', 'drill', 'restore', 'clone'] as const satisfies readonly TaskKind[]

/** `waiting` → `running` → `finished` | `failed` | `cancelled`. A running task whose lease ended may be claimed again. */
export type TaskState = 'waiting' | 'running' | 'finished' | 'failed' | 'cancelled'

export type Phase =
  | 'waiting'
  | 'preparing'
  | 'checkpoint'
  | 'streaming'
  /** It cannot go on before its store takes bytes again. */
  | 'awaiting-store'
  /** It lets a busy database be. */
  | 'backing-off'
  | 'checking'
  | 'writing'
  | 'finishing'
  | 'done'

/** Phases of a running task that waits for something: its reason says for what. */
export const PAUSES = ['awaiting-store', 'backing-off'] as const satisfies readonly Phase[]

export const isPaused = ({ state, progress }: Pick<Task, 'state' | 'progress'>): boolean =>
  state === 'running' && PAUSES.some((phase) => phase === progress.phase)

/** How far a task is. `percent` never goes back, and passes 99 only when the work is committed. */
export interface Progress {
  readonly phase: Phase
  readonly percent: number
  /** Bytes of the database done so far. */
  readonly bytes: number
  /** Bytes expected; 0 when unknown. */
  readonly totalBytes: number
  /** Becomes the task's reason: what it waits for; undefined for none. The reason stays as it is when this is absent. */
  readonly note?: string | undefined
}

/** One unit of work in the catalog. `R` is the request of its kind. */
export interface Task<R = unknown> {
  /** `BackupJobId`: decimal, below 2^53. */
  readonly id: string
  readonly kind: TaskKind
  readonly instanceId: string | undefined
  /** The set it makes, checks, restores or removes. A take-backup has it from its first moment. */
  readonly setId: string | undefined
  readonly state: TaskState
  /** Goes up with every claim, so that what an earlier attempt still does is known by it. */
  readonly attempt: number
  /** How many of the attempts a stopping worker cut short. */
  readonly stopped: number
  readonly request: R
  readonly progress: Progress
  /** What a finished task found, by kind. */
  readonly result: unknown
  /** Why it failed or was given back, in plain words. */
  readonly reason: string | undefined
  readonly cancelAsked: boolean
  readonly createdAt: Moment
  readonly startedAt: Moment | undefined
  readonly endedAt: Moment | undefined
}

/** How often a task was tried: its attempts without those that a stopping worker cut short. */
export const triesOf = ({ attempt, stopped }: Task): number => attempt - stopped

/** What a worker holds while it does a task: every write to the task tests (id, attempt, state = running). */
export interface Lease {
  readonly taskId: string
  readonly attempt: number
  readonly worker: string
}

export interface TakeBackupRequest {
  readonly mode: 'Automated' | 'Manual'
  /** An increment that cannot be taken becomes a full set, and says why. */
  readonly type: SetType
  readonly method: SetMethod
  /** Of a logical backup: only these databases, and neither roles nor tablespaces. Absent: the whole instance. */
  readonly databases?: readonly string[]
  /** Days that the set stays whatever its policy says; -1 for ever. Absent: as the policy says. */
  readonly keepDays?: number
}

/** One thing of a logical set: a database, one schema of it, or one table. */
export interface Piece {
  readonly database: string
  readonly schema?: string | undefined
  /** Of `schema`, which is named then, too. */
  readonly table?: string | undefined
  /** The new name of what is named most closely: the table, else the schema, else the database. Its own when absent. */
  readonly as?: string | undefined
  /** Of a schema or table: the database of the target that it goes into; one of the same name when absent. */
  readonly into?: string | undefined
}

export type RestoreRequest = RestoreToRequest | RestoreIntoRequest

export interface RestoreToRequest {
  /** An absolute path below one of the configured `restore.roots`, absent or empty. */
  readonly to: string
}

/** Of a logical set. */
export interface RestoreIntoRequest {
  /** The instance whose primary it goes into. */
  readonly into: string
  /** What to bring back. Absent: the whole set, with roles and tablespaces where it has them. */
  readonly pieces?: readonly Piece[] | undefined
  /** False: everything belongs to the role that restores, nobody else gets rights, and no roles are made. */
  readonly owners: boolean
  /** False: everything lies in the default tablespace. */
  readonly tablespaces: boolean
}
