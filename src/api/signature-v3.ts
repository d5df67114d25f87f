import { createHmac, hash } from 'node:crypto'
import { parseForm, percentEncode, splitTarget, type Pair } from './canonical.ts'

const ALGORITHM = 'ACS3-HMAC-SHA256'

/** What a V3 signature must cover: without one of them a call could be altered on its way. */
export const REQUIRED_HEADERS = [
  'host',
  'x-acs-action',
  'x-acs-content-sha256',
  'x-acs-date',
  'x-acs-signature-nonce',
  'x-acs-version',
] as const

/** A call as signature V3 (ACS3-HMAC-SHA256) sees it. */
export interface CallV3 {
  readonly method: string
  /** Parameters of the query, decoded. Those of a body are covered by its hash. */
  readonly query: readonly Pair[]
  /** Sorted, lower case. */
  readonly signedHeaders: readonly string[]
  /** The value of a header; '' where there is none. */
  readonly header: (name: string) => string
}

/** What an `Authorization` header says; undefined unless it has V3's form. */
export function parseAuthorization(
  value: string,
): { readonly keyId: string; readonly signedHeaders: readonly string[]; readonly signature: string } | undefined {
  const [, keyId, names, signature] =
    /^ACS3-HMAC-SHA256 +Credential=([^,\s]{1,256}), *SignedHeaders=([^,\s]+), *Signature=([0-9A-Fa-f]{64})$/.exec(
      value.trim(),
    ) ?? []
  if (keyId === undefined || names === undefined || signature === undefined) return undefined
  return { keyId, signedHeaders: names.toLowerCase().split(';').toSorted(), signature: signature.toLowerCase() }
}

/** The text that V3 signs. SDKs leave names of parameters as they are, Alibaba's description encodes them: `encodeNames` says which. */
export function stringToSignV3(call: CallV3, { encodeNames }: { readonly encodeNames: boolean }): string {
  const nameOf = encodeNames ? percentEncode : (name: string) => name
  const query = call.query.toSorted(byName).map(([name, value]) => `${nameOf(name)}=${percentEncode(value)}`)
  const headers = call.signedHeaders.map((name) => `${name}:${call.header(name)}\n`)
  const canonical = `${call.method}\n/\n${query.join('&')}\n${headers.join('')}\n${call.signedHeaders.join(';')}\n${call.header('x-acs-content-sha256')}`
  return `${ALGORITHM}\n${sha256Hex(canonical)}`
}

/** The signature of a text that V3 signs: lower-case hex. */
export const hmacV3 = (stringToSign: string, secret: string): string =>
  createHmac('sha256', secret).update(stringToSign).digest('hex')

/** Whether a name has two spellings in the text that is signed. */
export const hasTwoSpellings = (query: readonly Pair[]): boolean => query.some(([name]) => percentEncode(name) !== name)

/** SHA-256 in lower-case hex, as `x-acs-content-sha256` has it. Most calls have an empty body. */
export const sha256Hex = (data: string | Uint8Array): string => (data.length === 0 ? OF_NOTHING : hash('sha256', data))

const OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The signature of a call in V3. */
export const signV3 = (call: CallV3, secret: string): string =>
  hmacV3(stringToSignV3(call, { encodeNames: false }), secret)

/** A request to be signed by its sender: header names in lower case, `host` and the required ones among them. */
export interface UnsignedRequest {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
}

/** The `Authorization` header of a request. Signs `host`, `content-type` and every `x-acs-*` header there is. */
export function authorizeV3(request: UnsignedRequest, key: { readonly id: string; readonly secret: string }): string {
  const signedHeaders = Object.keys(request.headers).filter(isSigned).toSorted()
  const query = parseForm(splitTarget(request.target).query)
  const header = (name: string) => request.headers[name]?.trim() ?? ''
  const signature = signV3({ method: request.method, query, signedHeaders, header }, key.secret)
  return `${ALGORITHM} Credential=${key.id},SignedHeaders=${signedHeaders.join(';')},Signature=${signature}`
}

const isSigned = (name: string) => name === 'host' || name === 'content-type' || name.startsWith('x-acs-')

const byName = ([a]: Pair, [b]: Pair) => (a < b ? -1 : a > b ? 1 : 0)
