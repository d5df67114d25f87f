import type { Load } from '../core/back-off.ts'
import type { SetMethod } from '../core/backup-set.ts'
import type { DrillReport } from '../core/drill.ts'
import type { EngineKind, NodeAddress, NodeRole } from '../core/instance.ts'
import type { LogicalFacts, PostgresFacts } from '../core/manifest.ts'
import type { SetReader } from '../core/set-reader.ts'
import type { Phase, RestoreIntoRequest } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import type { Bytes, Options } from '../lib/streams.ts'

/** Something a probe found missing: what it keeps from working, in plain words, and the exact statement or step that mends it. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly what: string
  readonly fix: string
  /** The only method of backup that it is about; every one when absent. */
  readonly method?: SetMethod
}

/** How far a replica is behind. Undefined parts are unknown. */
export interface Lag {
  /** Primary's current position minus the replayed one. Unknown when the primary was not asked. */
  readonly bytes: number | undefined
  /** Zero when all that was received is replayed and the receiver is connected. */
  readonly seconds: number | undefined
  /** Whether the receiver streams now. A replica without a receiver is never "up to date". */
  readonly receiving: boolean
}

/** What a probe learned of a node. */
export interface Facts {
  readonly engine: EngineKind
  /** Major version as RDS writes it: `15.0`. */
  readonly engineVersion: string
  /** The server's own words: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly versionText: string
  readonly role: NodeRole
  readonly systemIdentifier: string
  /** WAL position now: flushed on a primary, replayed on a replica. As bytes from zero. */
  readonly position: bigint
  /** On a replica only. `bytes` is filled in by whoever also probed the primary. */
  readonly lag: Lag | undefined
  /** Bytes of all databases and tablespaces; 0 when it may not be read. */
  readonly size: number
  readonly databases: readonly string[]
  readonly problems: readonly Problem[]
}

export interface Capabilities {
  readonly incremental: boolean
  readonly pointInTime: boolean
  readonly logical: boolean
  readonly physical: boolean
  readonly singleDatabase: boolean
}

export interface EngineProgress {
  readonly phase: Phase
  readonly bytes: number
  readonly totalBytes: number
}

export interface EngineOptions extends Options {
  readonly onProgress?: ((progress: EngineProgress) => void) | undefined
  /** Whether the sink is kept waiting on purpose just now: then it is not stuck, however long it takes nothing. */
  readonly isSlowed?: (() => boolean) | undefined
}

export interface BackupRequest {
  readonly method: SetMethod
  /** Of a logical backup: only these databases, and neither roles nor tablespaces. Absent: everything. */
  readonly databases?: readonly string[] | undefined
  /** Where to look first for the database's own programs. */
  readonly binDirs?: readonly string[] | undefined
  /** `fast` for manual, `spread` for scheduled backups. */
  readonly checkpoint: 'fast' | 'spread'
  /** Refused when the node answers with another one; absent accepts any. */
  readonly systemIdentifier: string | undefined
  readonly maxKeptWalBytes: number
  readonly keepCorrupt: boolean
  /** The level of zstd that the frames of the set have; absent when the parts shall be as they are. */
  readonly compressionLevel?: number | undefined
  /** First lines of the text that opens the set and tells a person how to restore it. */
  readonly title: string
  /** The set that an increment adds to; absent for a full set. */
  readonly base?: SetReader | undefined
  /** How long a replica may take until it can add to the base; it must be able to at once when absent. */
  readonly baseWaitMs?: number | undefined
}

/** Takes the parts of a set while they are made. Each call resolves when the part is durable; slow stores hold the source back. */
export interface PartSink {
  /** A stream that belongs to the download of the set. `file` is its object's name there, without `.zst`; `<name>.tar` when absent. */
  part(name: string, body: Bytes, options?: { readonly file?: string | undefined }): Promise<void>
  /** A stream kept beside the parts, for later incrementals and checks. */
  extra(name: string, body: Bytes): Promise<void>
}

/** What a finished backup is: where it stands in the log, and what a restore must know of the server. */
export interface Point {
  readonly consistentAt: Moment
  readonly available: boolean
  readonly warnings: readonly string[]
  readonly postgres?: PostgresFacts
  readonly logical?: LogicalFacts
}

/** Where a restore goes. The directory exists and is empty, or does not exist; it is ours alone until `restore` ends. */
export interface Target {
  readonly directory: string
  /** Whom the files shall belong to when we run as root; ourselves when absent. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
}

export interface RestoreOptions {
  /** A moment after the last set, for later log replay. */
  readonly until?: Moment
  /** Where to look first for the database's own programs. */
  readonly binDirs?: readonly string[]
  /** Lift the overrides that keep a restored server from touching the live one's surroundings. */
  readonly keepSideEffects?: boolean
}

export interface IntoRequest extends Pick<RestoreIntoRequest, 'pieces' | 'owners' | 'tablespaces'> {
  /** Where to look first for the database's own programs. */
  readonly binDirs?: readonly string[] | undefined
  /** Roles that the server has become what they are in the set: for a server that was made for it. */
  readonly adoptRoles?: boolean | undefined
}

/** What was brought into a running server. */
export interface RestoredInto {
  /** As they are called there now. `schema` and `table` are told of what was no whole database. */
  readonly pieces: readonly { readonly database: string; readonly schema?: string; readonly table?: string }[]
  readonly bytes: number
  readonly warnings: readonly string[]
}

/** A restored database that has not been started. */
export interface Restored {
  /** What to give the database as its data directory. */
  readonly dataDirectory: string
  /** The command line that starts it, argv form. */
  readonly startCommand: readonly string[]
  readonly port: number
  readonly socketDirectory: string
  /** The role that owns the cluster, by which its owner comes in over the socket without a password. */
  readonly superuser: string
  readonly files: number
  readonly bytes: number
  /** Loud things: a collation mismatch with its REINDEX list, a missing extension. */
  readonly warnings: readonly string[]
}

/** What starting a restored database came to. */
export interface Started {
  /** False: it ran already. */
  readonly started: boolean
  /** Loud things that only the running database can tell: a collation mismatch with its REINDEX list, a missing extension. */
  readonly warnings: readonly string[]
}

/** Looks at how an instance fares, again and again until it is disposed of. */
export interface LoadWatch extends AsyncDisposable {
  /** As it was a moment ago; what could not be measured is undefined. */
  latest(): Load
}

/** Knows one kind of database, and nothing of stores, policies or tasks. Callers ask `can`, and never compare `kind`. */
export interface Engine {
  readonly kind: EngineKind
  can(facts: Facts): Capabilities
  /** Watches how busy the nodes of an instance are. Never fails: a node that does not answer tells nothing. */
  watchLoad(nodes: readonly NodeAddress[]): LoadWatch
  /** Fault 'instance_unreachable' when the node does not answer; what is missing comes back in `problems`. */
  probe(node: NodeAddress, options?: Options): Promise<Facts>
  /** Fault 'increment_refused', and nothing kept, when the node cannot add to the request's base. */
  backup(node: NodeAddress, request: BackupRequest, sink: PartSink, options?: EngineOptions): Promise<Point>
  /** `chain` is oldest first; a logical set is brought into a server that is made for it. Resolves when every file and directory is durable. */
  restore(
    target: Target,
    chain: readonly SetReader[],
    request: RestoreOptions,
    options?: EngineOptions,
  ): Promise<Restored>
  /**
   * Restores a chain into `target`, starts it there, looks at all of it, and leaves nothing behind, also when it fails. What is wrong
   * with the sets is in the report; what keeps the drill from being done (no programs, no room) is a fault, as of `restore`.
   */
  drill(
    target: Target,
    chain: readonly SetReader[],
    request: Pick<RestoreOptions, 'binDirs'>,
    options?: EngineOptions,
  ): Promise<DrillReport>
  /**
   * Ends the server that runs in `directory`, the target of a drill or a clone, at once, and removes the directory. One that is not
   * there is no error.
   */
  clear(directory: string): Promise<void>
  /**
   * Starts what `restore` made, on its own port, and resolves when it accepts connections. It outlives us; one that runs already is
   * left alone. Fault 'conflict' when its port is taken, 'engine_failed' with the end of its log when it does not come up.
   */
  start(restored: Restored, options?: Options & Pick<Target, 'owner'>): Promise<Started>
  /**
   * Brings a logical set, or pieces of it, into a running server. What is not fit for that server is refused before anything is
   * changed; a database appears under its name when it is whole, and a failure leaves nothing but roles and tablespaces. Fault
   * 'unsupported' for a set that is not logical.
   */
  restoreInto(node: NodeAddress, set: SetReader, request: IntoRequest, options?: EngineOptions): Promise<RestoredInto>
}
