import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { percentEncode } from '../src/api/canonical.ts'
import { signV1 } from '../src/api/signature-v1.ts'
import { authorizeV3, sha256Hex } from '../src/api/signature-v3.ts'

export interface Key {
  readonly id: string
  readonly secret: string
}

/** One DescribeBackups call. */
export interface Call {
  readonly instance: string
  readonly page: number
}

export type Signature = 'V1' | 'V3'

const now = () => `${new Date().toISOString().slice(0, 19)}Z`

/** A whole HTTP request, signed with a nonce of its own, as bytes to be sent. */
export function formatRequest(signature: Signature, host: string, key: Key, { instance, page }: Call): string {
  const business = { DBInstanceId: instance, PageNumber: String(page), PageSize: '30' }
  return signature === 'V1' ? requestV1(host, key, business) : requestV3(host, key, business)
}

function requestV1(host: string, key: Key, business: Record<string, string>): string {
  const parameters = {
    ...business,
    Action: 'DescribeBackups',
    Version: '2014-08-15',
    Format: 'JSON',
    AccessKeyId: key.id,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: randomBytes(16).toString('hex'),
    Timestamp: now(),
  }
  const pairs = Object.entries(parameters)
  const signed = signV1({ method: 'GET', parameters: pairs }, key.secret)
  const query = [...pairs, ['Signature', signed] as const]
    .map(([name, value]) => `${name}=${percentEncode(value)}`)
    .join('&')
  return `GET /?${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
}

function requestV3(host: string, key: Key, business: Record<string, string>): string {
  const query = Object.entries(business)
    .map(([name, value]) => `${name}=${percentEncode(value)}`)
    .join('&')
  const headers = {
    host,
    'x-acs-action': 'DescribeBackups',
    'x-acs-version': '2014-08-15',
    'x-acs-date': now(),
    'x-acs-signature-nonce': randomBytes(16).toString('hex'),
    'x-acs-content-sha256': sha256Hex(''),
  }
  const authorization = authorizeV3({ method: 'POST', target: `/?${query}`, headers }, key)
  const lines = Object.entries({ ...headers, accept: 'application/json', authorization, 'content-length': '0' })
  return `POST /?${query} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** Writes `count` requests to a file for bench/replay.lua: each with its length, eight digits, before it. */
export async function writeRequests(path: string, count: number, make: (n: number) => string): Promise<void> {
  const file = createWriteStream(path)
  for (let n = 0; n < count; n++) {
    const request = make(n)
    if (!file.write(String(Buffer.byteLength(request)).padStart(8, '0') + request)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
