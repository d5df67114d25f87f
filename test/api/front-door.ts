import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { z } from 'zod'
import { defineAction, type Action } from '../../src/api/action.ts'
import { percentEncode } from '../../src/api/canonical.ts'
import type { ReadAudit } from '../../src/api/audit-reads.ts'
import { createHandler, type HandlerDeps } from '../../src/api/handle.ts'
import { flag, instanceId, integer, jsonText, oneOf, text } from '../../src/api/parameters.ts'
import type { Reply, Request } from '../../src/api/request.ts'
import { signV1 } from '../../src/api/signature-v1.ts'
import { authorizeV3, sha256Hex } from '../../src/api/signature-v3.ts'
import type { MetricsDeps } from '../../src/api/metrics.ts'
import type { SigningKey } from '../../src/catalog/keys.ts'
import { ALL_RIGHTS } from '../../src/core/access-key.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { AuditRecord } from '../../src/core/audit.ts'
import { type Clock, FakeClock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { isoSeconds } from '../../src/lib/time.ts'
import { MARKER } from '../../src/store/marker.ts'
import { NO_ENCRYPTION } from '../../src/set/encryption.ts'
import { memStore } from '../../src/store/mem.ts'

export const KEY = { id: 'testid', secret: 'testsecret' }
export const NOW = '2026-01-02T03:04:05Z'
export const HOST = '127.0.0.1:8080'

export type Fields = Readonly<Record<string, string>>

/** Gives back what it was called with. */
export const echo = defineAction({
  name: 'Echo',
  about: 'Gives back its parameters.',
  extension: true,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, missing: 'InvalidDBInstanceName.NotFound', about: 'Required.' },
    Text: { codec: text({ max: 1000 }), about: 'Any text.' },
    Size: {
      codec: integer({ min: 1, max: 100 }),
      malformed: 'InvalidMaxRecordsPerPage.Malformed',
      default: 30,
      about: 'A number.',
    },
    Mode: { codec: oneOf(['Automated', 'Manual']), about: 'A word.' },
    Flag: { codec: flag, about: 'A truth value.' },
    Secret: {
      codec: jsonText(z.array(z.object({ Password: z.string() }))),
      secret: true,
      flattened: true,
      about: 'Secrets.',
    },
  },
  neglected: { Vpc: 'refused', Old: 'ignored' },
  faults: {},
  reply: z.object({}),
  handle: async (values) => ({
    Given: { DBInstanceId: values.DBInstanceId, Text: values.Text ?? null, Size: values.Size },
  }),
})

/** The log of a front door, as objects. */
export function memoryLog(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

export interface FrontDoorOptions {
  readonly actions?: readonly Action[]
  readonly limits?: Partial<HandlerDeps['limits']>
  readonly signingKey?: (id: string) => Promise<SigningKey | undefined>
  readonly reads?: (clock: Clock) => ReadAudit
}

export const SEALER = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))

/** A key that may do everything, with this secret. */
export const signingKeyOf = (secret: string, over: Partial<SigningKey> = {}): SigningKey => ({
  ...ALL_RIGHTS,
  secret,
  oldSecret: undefined,
  oldSecretUntil: 0,
  ...over,
})

/** A front door with keys in memory, whose clock stands still. */
export async function frontDoor({ actions = [echo], limits = {}, signingKey, reads }: FrontDoorOptions = {}) {
  const clock = new FakeClock(NOW)
  const { log, lines } = memoryLog()
  const store = memStore(clock)
  await store.put(MARKER, Readable.from([Buffer.from('{}')]))
  const audit: AuditRecord[] = []
  // Typed, so that what the metrics ask besides is missed by the compiler and not at run time.
  const figures: MetricsDeps['catalog'] = {
    sinceLastBeat: async () => 1000,
    figures: async () => [],
    standings: async () => [],
    scheduled: async () => [],
    tasks: async () => [],
    taskFigures: async () => [],
    alertFigures: async () => [],
    receivers: async () => [],
  }
  const catalog = {
    ...figures,
    signingKey: signingKey ?? (async (id: string) => (id === KEY.id ? signingKeyOf(KEY.secret) : undefined)),
    addAuditRecord: async (record: AuditRecord) => void audit.push(record),
  } as unknown as Catalog
  const handle = createHandler({
    actions,
    context: {
      catalog,
      store,
      sealer: SEALER,
      clock,
      links: { publicUrl: `http://${HOST}`, expiry: () => 0, make: () => ({ url: '', expiresAt: 0 }) },
      engineOf: () => {
        throw new Error('no engine here')
      },
      region: 'cn-hangzhou',
      restoreRoots: [],
      clones: true,
      encryption: NO_ENCRYPTION,
      wake: () => {},
    },
    links: async () => ({ status: 403, headers: {}, body: 'a link' }),
    log,
    limits: { parameters: 500, noncesPerKey: 1000, cacheBytes: 1_000_000, callsPerSecond: 0, callsBurst: 1, ...limits },
    hostId: HOST,
    reads: reads?.(clock),
  })
  const ask = async (request: Request) => readReply(await handle(request))
  return { handle, ask, clock, lines, catalog, audit }
}

/** A request with nothing in it but what is given. */
export function requestOf(given: Partial<Request>): Request {
  const headers = given.headers ?? { host: HOST }
  return {
    method: 'GET',
    target: '/',
    headers,
    rawHeaders: Object.entries(headers).flatMap(([name, value]) => [name, value ?? '']),
    body: Buffer.alloc(0),
    remoteAddress: '192.0.2.1',
    secure: false,
    signal: new AbortController().signal,
    ...given,
  }
}

export const formOf = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&')

/** What every call signed with V1 has. */
export const commonV1 = (now: number): Fields => ({
  Format: 'JSON',
  Version: '2014-08-15',
  AccessKeyId: KEY.id,
  SignatureMethod: 'HMAC-SHA1',
  SignatureVersion: '1.0',
  SignatureNonce: randomUUID(),
  Timestamp: isoSeconds(now),
})

export interface SignOptions {
  readonly method?: string
  readonly secret?: string
  /** Names of parameters that go into the body; the others go into the query. */
  readonly inBody?: (name: string) => boolean
  readonly now?: number
}

/** A call signed with V1. */
export function v1(fields: Fields, options: SignOptions = {}): Request {
  const { method = 'GET', secret = KEY.secret, inBody = () => false, now = Date.parse(NOW) } = options
  const unsigned = { ...commonV1(now), ...fields }
  const all = { ...unsigned, Signature: signV1({ method, parameters: Object.entries(unsigned) }, secret) }
  const part = (want: boolean) =>
    formOf(Object.fromEntries(Object.entries(all).filter(([name]) => inBody(name) === want)))
  const body = Buffer.from(part(true))
  const form: Fields = body.length > 0 ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  return requestOf({ method, target: `/?${part(false)}`, headers: { host: HOST, ...form }, body })
}

export interface V3Options {
  readonly method?: string
  readonly body?: string
  readonly headers?: Fields
  readonly secret?: string
  readonly now?: number
}

/** A call signed with V3. */
export function v3(action: string, query: Fields, options: V3Options = {}): Request {
  const { method = 'POST', body = '', secret = KEY.secret, now = Date.parse(NOW) } = options
  const headers = {
    host: HOST,
    'x-acs-action': action,
    'x-acs-version': '2014-08-15',
    'x-acs-date': isoSeconds(now),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-content-sha256': sha256Hex(body),
    ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...options.headers,
  }
  const target = `/?${formOf(query)}`
  const authorization = authorizeV3({ method, target, headers }, { id: KEY.id, secret })
  return requestOf({ method, target, headers: { ...headers, authorization }, body: Buffer.from(body) })
}

export interface ReadReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Fields of a body in JSON. */
  readonly fields: Record<string, unknown>
}

function readReply({ status, headers, body }: Reply): ReadReply {
  const text = (Array.isArray(body) ? body : [body]).map(String).join('')
  return { status, headers, text, fields: text.startsWith('{') ? JSON.parse(text) : {} }
}

/** The least that an Echo needs in V1. */
export const ECHO: Fields = { Action: 'Echo', DBInstanceId: 'rm-1' }
export const MINUTE = 60_000

/** Status and code of the answer to a request. */
export const codeOf = async (request: Request, door = frontDoor()) => {
  const { status, fields } = await (await door).ask(request)
  return `${status} ${String(fields['Code'])}`
}

export const without = (fields: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name))

/** A call signed with V1 over exactly these parameters. */
export function signed(fields: Fields, method = 'GET'): Request {
  const all = { ...fields, Signature: signV1({ method, parameters: Object.entries(fields) }, KEY.secret) }
  return requestOf({ method, target: `/?${formOf(all)}` })
}

/** All parameters of a good Echo but its signature. */
export const plain: Fields = {
  ...ECHO,
  Format: 'JSON',
  Version: '2014-08-15',
  AccessKeyId: KEY.id,
  SignatureMethod: 'HMAC-SHA1',
  SignatureVersion: '1.0',
  SignatureNonce: 'n1',
  Timestamp: NOW,
}
