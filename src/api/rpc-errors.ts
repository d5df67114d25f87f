import { Fault } from '../core/fault.ts'
import type { Log } from '../lib/log.ts'
import type { Action } from './action.ts'
import { RDS_ERRORS, RdsError, type RdsErrorCode } from './errors.ts'
import type { Request } from './request.ts'

/** What is known of a call when its action failed. */
export interface FailedCall {
  readonly request: Request
  readonly requestId: string
  readonly action: Action | undefined
  readonly log: Log
}

/**
 * What the caller is told about a failure: an RdsError as it is, a fault as the action's table maps it, and anything else as
 * InternalError, whose story stands in the log under its RequestId.
 */
export function rdsErrorOf(error: unknown, call: FailedCall): RdsError {
  if (error instanceof RdsError) return error
  if (Fault.is(error)) {
    const code = codeOf(error, call.action)
    if (code !== undefined) {
      if (RDS_ERRORS[code].status >= 500) note(call, error, 'call cannot be answered now')
      return new RdsError(code, sentencesOf(code, error), { cause: error })
    }
  }
  if (call.request.signal.aborted) return new RdsError('ServiceUnavailable', undefined, { cause: error })
  note(call, error, 'call failed')
  return new RdsError('InternalError', undefined, { cause: error })
}

function codeOf(fault: Fault, action: Action | undefined): RdsErrorCode | undefined {
  if (fault.code === 'replayed') return 'SignatureNonceUsed'
  return action?.faults[fault.code] ?? (fault.code === 'catalog_unavailable' ? 'ServiceUnavailable' : undefined)
}

/** The words of the table, then what was being done and what to do. Inner causes of a failure are for the log alone. */
function sentencesOf(code: RdsErrorCode, { message, hint }: Fault): string {
  const { status, message: general } = RDS_ERRORS[code]
  if (status >= 500 || code === 'SignatureNonceUsed') return general
  const what = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
  return [general, what, hint].filter((sentence) => sentence !== undefined).join(' ')
}

function note({ request, requestId, action, log }: FailedCall, error: unknown, what: string): void {
  log.error({ err: error, action: action?.name, requestId, remoteAddress: request.remoteAddress }, what)
}
