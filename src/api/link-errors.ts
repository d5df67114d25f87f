import { randomBytes } from 'node:crypto'
import type { Moment } from '../lib/clock.ts'
import { isoMillis } from '../lib/time.ts'
import type { Reply } from './request.ts'

/** Every error that a link answers with: OSS's code for it, its status and its message. */
export const LINK_ERRORS = {
  expired: { status: 403, code: 'AccessDenied', message: 'Request has expired.' },
  malformed: { status: 403, code: 'AccessDenied', message: 'The link is incomplete or is not one of this service.' },
  forged: {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message: 'The signature of the link does not match what was signed. Copy the whole link, in double quotes.',
  },
  revoked: {
    status: 403,
    code: 'AccessDenied',
    message: 'The link is no longer valid: links of this set were revoked. Ask for a new one.',
  },
  removed: { status: 404, code: 'NoSuchKey', message: 'The backup set of this link does not exist.' },
  method: { status: 405, code: 'MethodNotAllowed', message: 'A link can be read with GET and HEAD only.' },
  condition: {
    status: 412,
    code: 'PreconditionFailed',
    message: 'At least one of the preconditions you specified did not hold.',
  },
  range: { status: 416, code: 'InvalidRange', message: 'The range begins after the end of the backup set.' },
  internal: { status: 500, code: 'InternalError', message: 'The backup set could not be read. See the log.' },
  busy: { status: 503, code: 'ServiceUnavailable', message: 'Too many downloads run now. Try again later.' },
  unavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The backup set cannot be reached now. Try again later.',
  },
} as const satisfies Record<string, { status: number; code: string; message: string }>

export type LinkError = keyof typeof LINK_ERRORS

export interface LinkErrorDetail {
  /** Named in HostId: the host of the public base. */
  readonly hostId: string
  /** When the link ended and when that was found, of an expired one. */
  readonly expired?: { readonly expiresAt: Moment; readonly now: Moment }
  readonly headers?: Readonly<Record<string, string>>
  /** Leave the body out, as for HEAD: status and headers stay the same. */
  readonly bodyless: boolean
}

/** The answer of a link that gives no bytes of a set: XML with the elements of OSS, in the order of the DescribeBackups page. */
export function linkErrorReply(error: LinkError, detail: LinkErrorDetail): Reply {
  const { status, code, message } = LINK_ERRORS[error]
  const requestId = randomBytes(12).toString('hex').toUpperCase()
  const times: [string, string][] = detail.expired
    ? [
        ['Expires', isoMillis(detail.expired.expiresAt)],
        ['ServerTime', isoMillis(detail.expired.now)],
      ]
    : []
  const elements = [['Code', code], ['Message', message], ...times, ['RequestId', requestId], ['HostId', detail.hostId]]
  const lines = elements.map(([name, text = '']) => `  <${name}>${escapeXml(text)}</${name}>`)
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n${lines.join('\n')}\n</Error>\n`
  return {
    status,
    headers: {
      'content-type': 'application/xml',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-oss-request-id': requestId,
      ...detail.headers,
    },
    body: detail.bodyless ? '' : body,
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

const escapeXml = (text: string) => text.replace(/[&<>]/g, (character) => ESCAPES[character] ?? character)
