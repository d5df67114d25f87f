import type { Config } from '../../config/config.ts'
import { Fault, type FaultCode } from '../../core/fault.ts'
import type { Addresses } from './role.ts'

/** What the parent of `serve` tells a child. */
export type ToChild =
  | { readonly kind: 'start'; readonly config: Config }
  | { readonly kind: 'wake' }
  | { readonly kind: 'stop' }

/** What a child tells its parent. `failed` says why a start came to nothing. */
export type ToParent =
  | { readonly kind: 'ready'; readonly addresses: Addresses }
  | { readonly kind: 'wake' }
  | {
      readonly kind: 'failed'
      readonly code: FaultCode | undefined
      readonly message: string
      readonly hint?: string | undefined
    }

/** A failure in a form that crosses to the parent. */
export const failedMessage = (error: unknown): ToParent =>
  error instanceof Fault
    ? { kind: 'failed', code: error.code, message: error.message, hint: error.hint }
    : {
        kind: 'failed',
        code: undefined,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }

/** The failure that a child met, as if it were met here. */
export const failureOf = (message: Extract<ToParent, { kind: 'failed' }>): Error =>
  message.code === undefined
    ? new Error(message.message)
    : new Fault(message.code, message.message, { hint: message.hint })
