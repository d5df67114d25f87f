import type { Moment } from '../lib/clock.ts'

export type EngineKind = 'postgres' | 'mariadb'

/** How TLS to a database is asked for, in libpq's words. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export type NodeRole = 'primary' | 'replica'

/** Where a node listens and as whom we come. `password` is plain here, and sealed wherever it is kept. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string | undefined
  /** The database that probes connect to; `postgres` when absent. */
  readonly database?: string | undefined
  readonly sslMode: SslMode
  /** PEM of the certificate authority that verify-ca and verify-full hold the server against; the system's when absent. */
  readonly sslRootCert?: string | undefined
}

/** One server process of an instance. Its id (`HostInstanceID`) is decimal, given once, and survives a change of role. */
export interface Node {
  readonly id: string
  readonly instanceId: string
  /** The role last seen by a probe. */
  readonly role: NodeRole
  readonly address: NodeAddress
}

/** What a user can set for one instance. */
export interface InstanceSettings {
  /** Take backups from a replica whose lag is below both limits; otherwise from the primary. */
  readonly preferReplica: boolean
  readonly maxLagBytes: number
  readonly maxLagSeconds: number
  /** What to do with a replica whose lag cannot be known because the primary does not answer. */
  readonly whenLagUnknown: 'use' | 'skip'
  /** A backup stops with the reason before the WAL kept for it exceeds this many bytes. */
  readonly maxKeptWalBytes: number
  /** Keep a set with `IsAvail` 0 when the server reports bad page checksums, instead of having none. */
  readonly keepCorrupt: boolean
  /** Raise an alert when what could be restored is older, in seconds. Absent or 0: when a backup that the schedule asks for is late. */
  readonly rpoSeconds?: number | undefined
  /** A backup puts no more bytes a second into the store. Absent or 0: no limit. */
  readonly maxBytesPerSecond?: number | undefined
  /** How long a backup waits for a store that takes nothing, in seconds; 0 for not at all. Absent: a quarter of an hour. */
  readonly maxStoreWaitSeconds?: number | undefined
  /** A backup waits while a replica is so far behind, in seconds, or a commit takes so long, in milliseconds. Absent or 0: never for that. */
  readonly backOffLagSeconds?: number | undefined
  readonly backOffCommitMs?: number | undefined
  /** How long one backup does so in all. Absent: an hour. */
  readonly backOffMaxSeconds?: number | undefined
}

/** `maxStoreWaitSeconds` when it is absent. */
export const STORE_WAIT_SECONDS = 900
/** `backOffMaxSeconds` when it is absent. */
export const BACK_OFF_SECONDS = 3600

export const DEFAULT_SETTINGS: InstanceSettings = {
  preferReplica: false,
  maxLagBytes: 256 * 1024 * 1024,
  maxLagSeconds: 300,
  whenLagUnknown: 'skip',
  maxKeptWalBytes: 64 * 1024 * 1024 * 1024,
  keepCorrupt: true,
}

/** A database service we protect. */
export interface Instance {
  /** `DBInstanceId`. */
  readonly id: string
  readonly engine: EngineKind
  /** Major version as RDS writes it: `15.0`, `18.0`. */
  readonly engineVersion: string
  readonly description: string
  readonly settings: InstanceSettings
  /** PostgreSQL's system identifier (decimal). A node that answers with another one is refused. */
  readonly systemIdentifier: string | undefined
  readonly createdAt: Moment
  /** When it was deregistered; its sets stay. */
  readonly deregisteredAt: Moment | undefined
  /** Goes up in each transaction that changes one of its sets or itself. Progress never touches it. */
  readonly version: number
  /** Primary first, then replicas by id. */
  readonly nodes: readonly Node[]
}
