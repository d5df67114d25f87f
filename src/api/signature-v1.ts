import { createHmac } from 'node:crypto'
import { percentEncode, type Pair } from './canonical.ts'

/** A call as signature V1 (HMAC-SHA1) sees it: the real verb, and all parameters of query and body, decoded. */
export interface CallV1 {
  readonly method: string
  readonly parameters: Iterable<Pair>
}

/** The text that V1 signs: every parameter but `Signature`, empty ones too, sorted by name. Its parts are encoded twice. */
export function stringToSignV1({ method, parameters }: CallV1): string {
  const fields: string[] = []
  for (const [name, value] of [...parameters].toSorted(byName)) {
    if (name !== 'Signature') fields.push(`${encodeTwice(name)}%3D${encodeTwice(value)}`)
  }
  return `${method}&%2F&${fields.join('%26')}`
}

/** The `Signature` of a call: base64. */
export const signV1 = (call: CallV1, secret: string): string => hmacV1(stringToSignV1(call), secret)

/** The signature of a text that V1 signs. */
export const hmacV1 = (stringToSign: string, secret: string): string =>
  createHmac('sha1', `${secret}&`).update(stringToSign).digest('base64')

const byName = ([a]: Pair, [b]: Pair) => (a < b ? -1 : a > b ? 1 : 0)

function encodeTwice(text: string): string {
  const once = percentEncode(text)
  return once.includes('%') ? once.replaceAll('%', '%25') : once
}
