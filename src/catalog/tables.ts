import type { Generated } from 'kysely'
import type { AlertKind } from '../core/alert.ts'
import type { KeyRole } from '../core/access-key.ts'
import type { AuditOutcome, AuditRecord } from '../core/audit.ts'
import type { SetMethod, SetMode, SetStatus, SetType } from '../core/backup-set.ts'
import type { EngineKind, NodeRole } from '../core/instance.ts'
import type { Phase, TaskKind, TaskState } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'

/** One boolean in a column of int64. */
export type Flag = 0 | 1

/** The one row that tells of the catalog itself. */
export interface AboutTable {
  one: 1
  version: number
  /** The last id given. */
  last_id: number
  /** The last id given to a task. */
  last_task_id: Generated<number>
  /** Bytes a second that all backups together put into the store; 0 for no limit. */
  bandwidth: Generated<number>
  /** A text sealed when the catalog was made: opens only with the right key file. */
  key_check: string
}

export interface InstancesTable {
  id: string
  engine: EngineKind
  engine_version: string
  description: string
  /** JSON of InstanceSettings. */
  settings: string
  system_identifier: string | null
  created_at: Moment
  deregistered_at: Moment | null
  version: number
  /** End and duration of the newest backup that succeeded, also when its set is gone since. */
  last_success_at: Moment | null
  last_duration_ms: number | null
}

export interface NodesTable {
  id: number
  instance_id: string
  role: NodeRole
  /** JSON of NodeAddress without its password. */
  address: string
  /** Sealed for `nodes/<id>/password`. */
  password: string | null
}

export interface SetsTable {
  id: number
  instance_id: string
  node_id: number | null
  status: SetStatus
  type: SetType
  mode: SetMode
  method: SetMethod
  /** Status, mode and type as one small number: see bucketOf. */
  bucket: number
  started_at: Moment
  ended_at: Moment
  consistent_at: Moment | null
  size: number
  available: Flag
  engine: string
  engine_version: string
  manifest_key: string | null
  parent_id: number | null
  reason: string | null
  verified_at: Moment | null
  damage: string | null
  /** The latest end of all its holds: 0 without any, FOREVER while a task or a dependent set needs it. */
  held_until: Moment
  removing: Flag
  /** How often its links were revoked: signed into each. */
  link_round: Generated<number>
  pinned: Generated<Flag>
  /** When it goes whatever its policy says; none: as the policy says. */
  expires_at: Moment | null
  /** Of a logical set: JSON of pairs of a database's name and that of its object. */
  databases: string | null
  /** When a drill last proved it, and what the last drill found wrong. */
  drilled_at: Moment | null
  drill_damage: string | null
  /** CRC-64 of the download, decimal. */
  checksum: string | null
  /** JSON of SetEncryption. */
  encryption: string | null
}

/** How many sets of one bucket an instance has, those being removed left out. */
export interface SetCountsTable {
  instance_id: string
  bucket: number
  count: number
  bytes: number
}

/** Who keeps a set from being removed: `task/<id>`, `set/<id>` of a dependent, or a name of a download. */
export interface HoldsTable {
  set_id: number
  owner: string
  until: Moment
}

export interface TasksTable {
  id: number
  kind: TaskKind
  instance_id: string | null
  set_id: number | null
  state: TaskState
  attempt: number
  /** How many of the attempts a stopping worker cut short. */
  stopped: number
  /** JSON. */
  request: string
  phase: Phase
  percent: number
  bytes: number
  total_bytes: number
  /** JSON. */
  result: string | null
  reason: string | null
  cancel_asked: Flag
  created_at: Moment
  started_at: Moment | null
  ended_at: Moment | null
  worker: string | null
  /** When it may be claimed: a waiting one's earliest moment, a running one's end of lease. */
  due_at: Moment
}

export interface AccessKeysTable {
  id: string
  description: string
  created_at: Moment
  role: KeyRole
  /** JSON lists of the only instances and source addresses; none for no limit. */
  instances: string | null
  sources: string | null
  expires_at: Moment | null
  /** Sealed for `access_keys/<id>/secret`, both. */
  secret: string
  old_secret: string | null
  old_until: Moment | null
}

export interface NoncesTable {
  key_id: string
  nonce: string
  expires_at: Moment
}

/** What was changed, and what was refused to be: one row a call. */
export interface AuditRecordsTable {
  request_id: string
  at: Moment
  origin: AuditRecord['origin']
  key_id: string
  parent_key_id: string
  os_user: string
  action: string
  instance_id: string
  /** JSON of names and values. */
  parameters: string
  remote_address: string
  user_agent: string
  outcome: AuditOutcome
  code: string
  /** JSON of a list of ids, as is the next. */
  task_ids: string
  set_ids: string
}

export interface ClientTokensTable {
  key_id: string
  action: string
  token: string
  /** Of the call's parameters. */
  digest: string
  /** JSON of what the call was answered. */
  reply: string
  expires_at: Moment
}

export interface WorkersTable {
  name: string
  beat_at: Moment
}

export interface PoliciesTable {
  instance_id: string
  /** JSON of Policy. */
  policy: string
  changed_at: Moment
  /** Up to when its schedule is settled: the moment of its last automated backup, or of the schedule itself. */
  due_at: Moment
}

export interface AlertsTable {
  id: number
  kind: AlertKind
  subject: string
  instance_id: string | null
  what: string
  hint: string
  raised_at: Moment
  missing_since: Moment | null
  resolved_at: Moment | null
  /** JSON of what each receiver was told. */
  told: string
  /** Whether it lasts, or a receiver has still to hear that it is over. */
  open: Flag
}

export interface AlertReceiversTable {
  name: string
  told_at: Moment | null
  failing_since: Moment | null
  failure: string | null
}

/** What one process at a time does. */
export interface TurnsTable {
  name: string
  holder: string
  until: Moment
}

/** The catalog's tables, the same on SQLite and PostgreSQL: every column is text or int64. */
export interface Tables {
  about: AboutTable
  instances: InstancesTable
  nodes: NodesTable
  sets: SetsTable
  set_counts: SetCountsTable
  holds: HoldsTable
  tasks: TasksTable
  access_keys: AccessKeysTable
  nonces: NoncesTable
  workers: WorkersTable
  audit_records: AuditRecordsTable
  client_tokens: ClientTokensTable
  policies: PoliciesTable
  alerts: AlertsTable
  alert_receivers: AlertReceiversTable
  turns: TurnsTable
}
