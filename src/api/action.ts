import type { z } from 'zod'
import type { Catalog, Once } from '../catalog/catalog.ts'
import type { KeyRole } from '../core/access-key.ts'
import type { FaultCode } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Engine } from '../engine/engine.ts'
import type { EngineKind } from '../core/instance.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Encryption } from '../set/encryption.ts'
import type { Store } from '../store/store.ts'
import type { Caller } from './caller.ts'
import type { ParameterCodec } from './parameters.ts'
import type { RdsErrorCode } from './errors.ts'
import type { LinkMaker } from './links.ts'

/** What each documented RDS parameter that is not honoured becomes. */
export type Neglect = 'ignored' | 'refused'

/** One parameter of an action: its grammar, whether it must be there, and what it is for. */
export interface Parameter<T = unknown> {
  readonly codec: ParameterCodec<T>
  readonly required?: boolean
  /** RDS code of a missing value; `MissingParameter` when absent. */
  readonly missing?: RdsErrorCode
  /** RDS code of a value that its codec refuses; `InvalidParameter` when absent. */
  readonly malformed?: RdsErrorCode
  readonly default?: T
  /** Accepted only from a POST body, never shown again. */
  readonly secret?: boolean
  /**
   * A list of structures: accepted as JSON text under its own name, or flattened as `Name.1.Field=value`. The codec gets JSON
   * text of an array of objects in both cases; see flattened.ts.
   */
  readonly flattened?: boolean
  readonly about: string
}

export type Parameters = Readonly<Record<string, Parameter>>

/** What handlers get from the parts around them. */
export interface ActionContext {
  readonly catalog: Catalog
  readonly store: Store
  readonly sealer: Sealer
  readonly clock: Clock
  readonly links: LinkMaker
  readonly engineOf: (kind: EngineKind) => Engine
  readonly region: string
  readonly restoreRoots: readonly string[]
  /** Whether a worker has a directory for clones. */
  readonly clones: boolean
  /** What this service encrypts to and can open. */
  readonly encryption: Encryption
  /** Tells the workers that a task waits. Losing it loses nothing. */
  readonly wake: () => void
  readonly caller: Caller
  /** Given to the catalog by an action that changes something. */
  readonly once: Once
  readonly signal: AbortSignal
}

/** Values of an action's parameters after parsing. */
export type Values<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends { required: true } | { default: unknown }
    ? Parsed<P[K]>
    : Parsed<P[K]> | undefined
}
type Parsed<P> = P extends Parameter<infer T> ? T : never

/** One action of the RPC surface: its schema, its errors and its handler. One file each in actions/. */
export interface Action<P extends Parameters = Parameters> {
  readonly name: string
  readonly about: string
  /** True for what RDS does not have. */
  readonly extension: boolean
  /** Whether it changes something: then its nonce is also spent in the catalog. */
  readonly mutates: boolean
  /** The least role of a key that may call it. Absent: `operate` for what changes something, else `read`. */
  readonly role?: KeyRole
  /** Whether a temporary key may not call it, lest it makes itself a lasting one. */
  readonly lastingKeyOnly?: boolean
  /**
   * What a key that is limited to some instances may do with it. `filters`: its handler leaves out the others by itself. `any`: it tells of
   * none. Absent: it must name an instance, as DBInstanceId, and that must be one of them.
   */
  readonly limited?: 'filters' | 'any'
  readonly parameters: P
  /** Documented RDS parameters that we do not honour, and what becomes of a call that has them. */
  readonly neglected?: Readonly<Record<string, Neglect>>
  /** Checks of combinations, after each value is well formed and before anything is looked up. Throw RdsError. */
  combine?(values: Values<P>): void
  /** RDS codes that its checks and its handler throw themselves; for the reference. */
  readonly errors?: readonly RdsErrorCode[]
  /** RDS codes of the faults its handler may meet. An unmapped fault is InternalError 500, and fails a test. */
  readonly faults: Partial<Record<FaultCode, RdsErrorCode>>
  /** Shape of the reply without RequestId; generates the reference. */
  readonly reply: z.ZodType<Record<string, unknown>>
  /**
   * Names the state that the reply depends on beside the region: two calls with the same text and format get the same reply
   * but for RequestId, which the page cache then gives. Undefined: not this time. Absent: never.
   */
  cacheKey?(values: Values<P>, context: ActionContext): Promise<string | undefined>
  handle(values: Values<P>, context: ActionContext): Promise<Record<string, unknown>>
}

/** An action whose handler's values are typed by its own parameters, as one of the list. */
export const defineAction = <const P extends Parameters>(action: Action<P>): Action => action
