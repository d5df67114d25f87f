import type { PieceOptions } from '../pieces.ts'
import type { LoginOfServer } from '../server-address.ts'
import type { RemoteOptions } from './session.ts'

export interface SetOptions extends RemoteOptions {
  readonly instance?: string
}

export interface TakeOptions extends RemoteOptions {
  /** False with `--no-wait`. */
  readonly wait: boolean
  readonly keepDays?: string
  readonly method?: string
  readonly database?: readonly string[]
  readonly type?: string
}

export interface ListOptions extends RemoteOptions {
  readonly status?: string
  readonly mode?: string
  readonly type?: string
  readonly from?: string
  readonly to?: string
  readonly limit: string
}

export interface DownloadOptions extends SetOptions {
  readonly output?: string
  readonly database?: string
}

export interface RestoreOptions
  extends SetOptions, Omit<TakeOptions, 'database' | 'method'>, PieceOptions, LoginOfServer {
  /** The URL of a server with `--store`, else the id of an instance. */
  readonly into?: string
  readonly tablespaces: boolean
  readonly to?: string
  readonly store?: string
  readonly list?: boolean
  readonly binDir: readonly string[]
  /** False with `--no-owner`. */
  readonly owner?: string | boolean
  readonly keepSideEffects?: boolean
  readonly identity?: string
}

export interface KeepOptions extends SetOptions {
  readonly until: string
}
