import type { Config } from '../../config/config.ts'
import type { Log } from '../../lib/log.ts'

/** What a process of the service can do. */
export const ROLES = ['api', 'worker'] as const
export type Role = (typeof ROLES)[number]

/** Where a role listens. Empty for one that does not. */
export interface Addresses {
  readonly url?: string | undefined
  readonly port?: number | undefined
  readonly metricsUrl?: string | undefined
  readonly metricsPort?: number | undefined
}

/** A role at work. */
export interface RunningRole {
  readonly addresses: Addresses
  /** Tells it that a task waits. */
  wake(): void
  /** Takes nothing new, ends or gives back what runs, and closes. */
  stop(): Promise<void>
  /** Rejects when the role cannot go on. Never resolves. */
  readonly failed: Promise<never>
}

export interface RoleHooks {
  readonly log: Log
  /** Tells the workers, wherever they are, that a task waits. */
  readonly wake: () => void
}

export type StartRole = (config: Config, hooks: RoleHooks) => Promise<RunningRole>
export type StartRoles = Readonly<Record<Role, StartRole>>
