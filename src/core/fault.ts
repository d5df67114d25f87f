/** Every failure a user can meet: its code, CLI exit code, and whether a retry may help. Nothing of HTTP: api/ maps these. */
export const FAULTS = {
  invalid: { exit: 2, retry: false },
  unauthenticated: { exit: 3, retry: false },
  forbidden: { exit: 3, retry: false },
  not_found: { exit: 4, retry: false },
  conflict: { exit: 5, retry: false },
  locked: { exit: 6, retry: true },
  unsupported: { exit: 7, retry: false },
  too_new: { exit: 8, retry: false },
  limit_exceeded: { exit: 9, retry: true },
  store_unavailable: { exit: 10, retry: true },
  store_corrupt: { exit: 11, retry: false },
  store_full: { exit: 14, retry: true },
  instance_unreachable: { exit: 12, retry: true },
  instance_unready: { exit: 15, retry: false },
  engine_failed: { exit: 13, retry: true },
  catalog_unavailable: { exit: 16, retry: true },
  catalog_corrupt: { exit: 17, retry: false },
  service_unavailable: { exit: 18, retry: true },
  verify_failed: { exit: 19, retry: false },
  lease_lost: { exit: 20, retry: false },
  target_full: { exit: 21, retry: false },
  increment_refused: { exit: 22, retry: false },
  identity_needed: { exit: 23, retry: false },
  replayed: { exit: 3, retry: false },
  repeated: { exit: 5, retry: false },
  cancelled: { exit: 130, retry: false },
} as const satisfies Record<string, { exit: number; retry: boolean }>

export type FaultCode = keyof typeof FAULTS

/**
 * A failure we expected and can explain. Any other Error is a bug: logged with its stack, shown as "internal error".
 *
 * `message` says what was being done, in lower case and without a full stop; `hint` is a sentence that says what to do.
 * Neither ever holds a secret.
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly hint: string | undefined

  constructor(code: FaultCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.hint = options.hint
  }

  /** Whether `error` is a Fault, with this code if one is given. */
  static is(error: unknown, code?: FaultCode): error is Fault {
    return error instanceof Fault && (code === undefined || error.code === code)
  }
}
