import { randomUUID } from 'node:crypto'
import { RDS_ERRORS, type RdsErrorCode } from './errors.ts'
import { CONTENT_TYPES, renderError } from './render.ts'
import type { Reply, Request } from './request.ts'
import { isV3 } from './rpc-claim.ts'

/** An error from outside the RPC surface, in its form: for what could not be read as a call. */
export function plainError(
  hostId: string,
  request: Request | undefined,
  code: RdsErrorCode,
): Reply & { readonly body: string } {
  const { status, message } = RDS_ERRORS[code]
  const format = request !== undefined && isV3(request) ? 'JSON' : 'XML'
  const requestId = randomUUID().toUpperCase()
  const body = renderError(format, { requestId, hostId, code, message })
  const headers = {
    'content-type': CONTENT_TYPES[format],
    'content-length': String(Buffer.byteLength(body)),
    'x-acs-request-id': requestId,
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}
