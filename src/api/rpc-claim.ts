import { timingSafeEqual } from 'node:crypto'
import { RdsError, type RdsErrorCode } from './errors.ts'
import type { Request } from './request.ts'
import type { CallParameters } from './rpc-parameters.ts'
import { hmacV1, stringToSignV1 } from './signature-v1.ts'
import {
  hasTwoSpellings,
  hmacV3,
  parseAuthorization,
  REQUIRED_HEADERS,
  sha256Hex,
  stringToSignV3,
  type CallV3,
} from './signature-v3.ts'

/** What a call says about itself, before any of it is believed. '' where it says nothing. */
export interface Claim {
  readonly signatureVersion: 'V1' | 'V3'
  readonly action: string
  readonly version: string
  readonly timestamp: string
  readonly nonce: string
  readonly securityToken: string
  /** Whose key it is signed with. Refuses a call whose signature is missing, has missing parts or is of another kind. */
  keyId(): string
  /** Whether its signature is the one that the secret makes, and what was signed. */
  check(secret: string): { readonly good: boolean; readonly stringToSign: string }
}

/** Whether a call is, or means to be, signed with V3: then it is answered in JSON. */
export function isV3({ headers }: Request, parameters?: CallParameters): boolean {
  if (headers['authorization']?.startsWith('ACS3-')) return true
  const speaksV3 = headers['x-acs-action'] !== undefined && headers['x-acs-signature-nonce'] !== undefined
  return speaksV3 && parameters?.all.has('Signature') !== true
}

/** What a call signed with V1 says: all of it in parameters. */
export function claimV1({ method }: Request, { all }: CallParameters): Claim {
  const value = (name: string) => all.get(name) ?? ''
  return {
    signatureVersion: 'V1',
    action: value('Action'),
    version: value('Version'),
    timestamp: value('Timestamp'),
    nonce: value('SignatureNonce'),
    securityToken: value('SecurityToken'),

    keyId() {
      if (value('Signature') === '') throw new RdsError('IncompleteSignature', 'The call has no Signature.')
      if (value('SignatureMethod') !== 'HMAC-SHA1') throw new RdsError('InvalidSignatureMethod')
      if (value('SignatureVersion') !== '1.0') throw new RdsError('InvalidSignatureVersion')
      return required(value('AccessKeyId'), 'MissingAccessKeyId')
    },

    check(secret) {
      const stringToSign = stringToSignV1({ method, parameters: all })
      // Some clients send the base64 as it is, so that its `+` arrives as a space.
      const given = value('Signature').replaceAll(' ', '+')
      return { good: sameText(given, hmacV1(stringToSign, secret)), stringToSign }
    },
  }
}

/** What a call signed with V3 says: all of it in headers. */
export function claimV3(request: Request, { query }: CallParameters): Claim {
  const value = (name: string) => request.headers[name] ?? ''
  const authorization = parseAuthorization(value('authorization'))
  return {
    signatureVersion: 'V3',
    action: value('x-acs-action'),
    version: value('x-acs-version'),
    timestamp: value('x-acs-date'),
    nonce: value('x-acs-signature-nonce'),
    securityToken: value('x-acs-security-token'),

    keyId() {
      if (/^ACS3-(?!HMAC-SHA256 )/.test(value('authorization'))) throw new RdsError('InvalidSignatureMethod')
      const { keyId, signedHeaders } = authorization ?? incomplete('The Authorization header is missing or incomplete.')
      const unsigned = REQUIRED_HEADERS.find((name) => !signedHeaders.includes(name))
      if (unsigned) incomplete(`SignedHeaders must name ${unsigned}.`)
      return keyId
    },

    check(secret) {
      const { signedHeaders, signature } = authorization ?? incomplete('The Authorization header is incomplete.')
      const call = { method: request.method, query, signedHeaders, header: (name: string) => headerOf(request, name) }
      if (value('x-acs-content-sha256').toLowerCase() !== sha256Hex(request.body)) {
        throw new RdsError(
          'SignatureDoesNotMatch',
          'x-acs-content-sha256 does not match: it must be the SHA-256 of the body.',
        )
      }
      return checkV3(call, signature, secret)
    },
  }
}

function checkV3(call: CallV3, signature: string, secret: string) {
  const stringToSign = stringToSignV3(call, { encodeNames: false })
  const good = sameText(signature, hmacV3(stringToSign, secret))
  if (good || !hasTwoSpellings(call.query)) return { good, stringToSign }
  const other = stringToSignV3(call, { encodeNames: true })
  return { good: sameText(signature, hmacV3(other, secret)), stringToSign: other }
}

/** A header as V3 signs it: trimmed; the values of a repeated one sorted, with commas between them. */
function headerOf({ headers, rawHeaders }: Request, name: string): string {
  const joined = headers[name] ?? ''
  if (!joined.includes(',')) return joined.trim()
  const values = rawHeaders.flatMap((field, at) =>
    at % 2 === 0 && field.toLowerCase() === name ? [rawHeaders[at + 1]?.trim() ?? ''] : [],
  )
  return values.toSorted().join(',')
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

function incomplete(message: string): never {
  throw new RdsError('IncompleteSignature', message)
}

/** The text, which must not be empty. */
export function required(text: string, code: RdsErrorCode): string {
  if (text === '') throw new RdsError(code)
  return text
}
