import type { ChildProcess } from 'node:child_process'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/sources.ts'
import type { EngineKind } from '../core/instance.ts'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Store } from '../store/store.ts'
import type { Io } from './io.ts'
import type { Role, StartRoles } from './local/role.ts'

/** The real things that commands work with, built by main.ts and the roles, and by nobody else. */
export interface Parts {
  readonly clock: Clock
  readonly env: Environment
  readonly io: Io
  readonly log: (level: string, name: string) => Log
  readonly openSealer: (keyFile: string) => Promise<Sealer>
  readonly openCatalog: (config: Config, options: { log: Log; migrate: boolean }) => Promise<Catalog>
  readonly openStore: (url: string, options?: { readonly create?: boolean }) => Promise<Store>
  readonly openEngine: (kind: EngineKind, log: Log) => Promise<Engine>
  readonly roles: StartRoles
  /** Starts this program again as a child that does one role, speaking over IPC. */
  readonly fork: (role: Role) => ChildProcess
}
