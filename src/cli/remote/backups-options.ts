import type { RemoteOptions } from './session.ts'

export interface SetOptions extends RemoteOptions {
  readonly instance?: string
}

export interface TakeOptions extends RemoteOptions {
  /** False with `--no-wait`. */
  readonly wait: boolean
  readonly keepDays?: string
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
}

export interface RestoreOptions extends SetOptions, TakeOptions {
  readonly to?: string
  readonly store?: string
  readonly list?: boolean
  readonly binDir: readonly string[]
  readonly owner?: string
  readonly keepSideEffects?: boolean
}

export interface KeepOptions extends SetOptions {
  readonly until: string
}
