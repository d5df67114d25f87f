import { ACTIONS } from '../../src/api/actions.ts'
import { percentEncode } from '../../src/api/canonical.ts'
import { signV1 } from '../../src/api/signature-v1.ts'
import { isoSeconds } from '../../src/lib/time.ts'
import type { Key } from '../conformance/clients.ts'
import type { Random } from '../crash/random.ts'

/** One way to make the bytes of a request that no well-behaved client sends. */
export type Maker = (random: Random, key: Key, now: number) => Buffer

/** Values that have broken servers: of no form, of another type, at the edge of one, and not text at all. */
const JUNK = [
  '',
  ' ',
  '0',
  '-1',
  '1e2',
  '0x1E',
  '9007199254740993',
  '99999999999999999999',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '[{"Host":1}]',
  '{"__proto__":1}',
  '__proto__',
  'constructor',
  '\0',
  '‮',
  '😀',
  '�',
  "' or 1=1 --",
  '../../etc/passwd',
  '%',
  '%00',
  '2026-99-99T99:99Z',
  '2026-01-01T00:00:00Z',
  'a'.repeat(300),
  '['.repeat(3e3),
  '<!--',
  ']]>',
  '\r\nX: y',
  '+',
  '&',
  '=',
  'Success',
  '1000',
  'pgm-a',
]
const COMMON = [
  'AccessKeyId',
  'Signature',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureNonce',
  'Timestamp',
  'Version',
]
const HEADERS = [
  'authorization',
  'x-acs-action',
  'x-acs-version',
  'x-acs-date',
  'x-acs-content-sha256',
  'x-acs-signature-nonce',
  'content-type',
  'content-length',
  'transfer-encoding',
  'expect',
  'host',
  'range',
  'x-forwarded-for',
  'accept',
]
const HEADER_JUNK = [
  '',
  'x',
  '-1',
  '1, 2',
  'chunked',
  'gzip',
  '100-continue',
  'bytes=9-1,,',
  '::1',
  'a'.repeat(2e3),
  'éÿ',
  'ACS3-HMAC-SHA256 ',
  'ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=',
  'ACS3-HMAC-SHA256 Credential=x',
]

/** Every way, by the name that the counts use. */
export const MAKERS: Readonly<Record<string, Maker>> = {
  signature: (random, key, now) => {
    const call = signed(random, key, now, {})
    const name = random.pick(COMMON)
    if (random.below(3) === 0) call.delete(name)
    else call.set(name, random.pick(JUNK))
    return request(random, form(call))
  },
  parameters: (random, key, now) => request(random, form(signed(random, key, now, junkOf(random)))),
  encodings: (random, key, now) => {
    const text = form(signed(random, key, now, junkOf(random)))
    const at = random.below(text.length)
    return request(
      random,
      text.slice(0, at) + random.pick(['%', '%zz', '%ff', '%C0%80', '&&=', '\u00e9', '%ED%A0%80']) + text.slice(at),
    )
  },
  sizes: (random, key, now) => {
    const text = form(signed(random, key, now, {}))
    const size = 2 ** random.below(18)
    return request(
      random,
      `${text}&${random.pick(['x='.padEnd(size, 'x'), 'a=1&'.repeat(size / 16), '%41'.repeat(size / 3)])}`,
    )
  },
  headers: (random, key, now) => {
    const extra = Array.from(
      { length: 1 + random.below(4) },
      () => `${random.pick(HEADERS)}: ${random.pick(HEADER_JUNK)}`,
    )
    return request(random, form(signed(random, key, now, {})), extra)
  },
  bytes: (random, key, now) => {
    const bytes = request(random, form(signed(random, key, now, {})))
    for (let flips = 1 + random.below(8); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256)
    return random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes
  },
}

/** Some parameters of some action, filled with junk. */
function junkOf(random: Random): Readonly<Record<string, string>> {
  const action = random.pick(ACTIONS)
  const names = [
    ...Object.keys(action.parameters),
    'Format',
    'RegionId',
    'ResourceOwnerId',
    '__proto__.x',
    'Node.1.Host',
  ]
  const given = Array.from({ length: 1 + random.below(4) }, () => [random.pick(names), random.pick(JUNK)] as const)
  return { ...Object.fromEntries(given), Action: random.below(20) === 0 ? random.pick(JUNK) : action.name }
}

/** A call with a good signature of V1. */
function signed(random: Random, key: Key, now: number, given: Readonly<Record<string, string>>): Map<string, string> {
  const call = new Map(
    Object.entries({
      Action: 'DescribeBackups',
      DBInstanceId: 'pgm-a',
      AccessKeyId: key.id,
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: `${random.below(2 ** 32)}-${random.below(2 ** 32)}`,
      Timestamp: isoSeconds(now),
      Version: '2014-08-15',
      ...given,
    }),
  )
  return call.set('Signature', signV1({ method: 'GET', parameters: call }, key.secret))
}

const form = (call: ReadonlyMap<string, string>): string =>
  [...call].map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&')

/** The query as a GET, or now and then as the body of a POST that says another length. */
function request(random: Random, query: string, extra: readonly string[] = []): Buffer {
  const tail = ['Host: 127.0.0.1', ...extra, 'Connection: close'].join('\r\n')
  if (random.below(8) > 0) return Buffer.from(`GET /?${query} HTTP/1.1\r\n${tail}\r\n\r\n`, 'latin1')
  const length = query.length + random.pick([0, 0, -1, 1])
  const type = 'Content-Type: application/x-www-form-urlencoded'
  return Buffer.from(`POST / HTTP/1.1\r\n${type}\r\nContent-Length: ${length}\r\n${tail}\r\n\r\n${query}`, 'latin1')
}
