import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createClientFinder } from './client-address.ts'
import { plainError } from './plain-error.ts'
import type { Reply, Request } from './request.ts'
import { answerBroken } from './server-broken.ts'
import { trackConnections, type Connections } from './server-drain.ts'
import { sendReply } from './server-reply.ts'
import { readBody, toRequest } from './server-request.ts'
import { readTlsPair, watchTlsPair, type TlsFiles } from './tls.ts'

export interface ListenSettings {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles | undefined
  readonly trustedProxies: readonly string[]
}

/** What one connection or request may take. Over each of them: an answer that docs/reference/limits.md names, and a line in the log. */
export interface HttpLimits {
  readonly requestLine: number
  readonly body: number
  readonly headerSeconds: number
  readonly idleSeconds: number
  readonly connections: number
  readonly stallSeconds: number
}

export interface HttpDeps {
  readonly limits: HttpLimits
  readonly clock: Clock
  readonly log: Log
}

export type Handle = (request: Request) => Promise<Reply>

/** A server that listens. */
export interface Listening {
  readonly url: string
  readonly port: number
  /** Takes no more connections, lets what runs come to its end for ten seconds, and cuts what is left. */
  close(): Promise<void>
}

const DRAIN_MS = 10_000

/**
 * Listens, and answers each request with what `makeHandle` gives, which is told the URL of the server. Fault 'invalid' when
 * the certificate or a trusted proxy cannot be used, 'conflict' when the address is taken.
 */
export async function listen(
  settings: ListenSettings,
  deps: HttpDeps,
  makeHandle: (url: string) => Handle,
): Promise<Listening> {
  const findClient = createClientFinder(settings.trustedProxies)
  const server = await createServer(settings, deps.limits)
  const closing = new AbortController()
  const connections = trackConnections(server)
  server.maxConnections = deps.limits.connections
  server.on('drop', (peer) => deps.log.warn({ remoteAddress: peer?.remoteAddress }, 'over limits.connections, closed'))
  const port = await bind(server, settings)
  server.on('error', (error) => deps.log.error({ err: error }, 'a connection cannot be taken'))
  const url = urlOf(settings, port)
  attach(server, {
    ...deps,
    findClient,
    handle: makeHandle(url),
    connections,
    closing: closing.signal,
  })
  if (settings.tls) {
    const use = (pair: { cert: Buffer; key: Buffer }) => (server as HttpsServer).setSecureContext(pair)
    void watchTlsPair(settings.tls, use, { ...deps, signal: closing.signal })
  }
  const close = () => {
    closing.abort()
    return connections.drain(deps.clock, DRAIN_MS)
  }
  return { url, port, close }
}

async function createServer({ tls }: ListenSettings, limits: HttpLimits): Promise<Server> {
  const wholeMs = limits.headerSeconds * 1000
  const options = {
    maxHeaderSize: limits.requestLine,
    headersTimeout: wholeMs,
    requestTimeout: wholeMs,
    keepAliveTimeout: limits.idleSeconds * 1000,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, wholeMs / 4)),
  }
  return tls ? createHttps({ ...options, ...(await readTlsPair(tls)), handshakeTimeout: wholeMs }) : createHttp(options)
}

function bind(server: Server, { host, port }: ListenSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      const hint = taken ? 'Something else listens there: stop it, or take another port.' : undefined
      reject(
        new Fault(taken ? 'conflict' : 'invalid', `listen on ${host} port ${port}: ${cause.message}`, { cause, hint }),
      )
    }
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.removeListener('error', fail)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

const ANY_HOST = ['0.0.0.0', '::']

function urlOf({ tls, host }: ListenSettings, port: number): string {
  const name = ANY_HOST.includes(host) ? hostname() : host
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`
}

interface Serving extends HttpDeps {
  readonly findClient: ReturnType<typeof createClientFinder>
  readonly handle: Handle
  readonly connections: Connections
  readonly closing: AbortSignal
}

function attach(server: Server, { limits, log, ...serving }: Serving): void {
  const answering = new WeakSet<object>()

  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    response.once('close', serving.connections.take(incoming.socket))
    const pending = readBody(incoming, limits.body)
    const body = Buffer.isBuffer(pending) ? pending : await pending
    answering.add(incoming.socket)
    response.once('close', () => answering.delete(incoming.socket))
    const request = toRequest(incoming, response, body ?? Buffer.alloc(0), serving.findClient)
    const reply = body === undefined ? refuseBody(request, log) : await serving.handle(request)
    if (serving.closing.aborted) response.shouldKeepAlive = false
    await sendReply(response, reply, { stallMs: limits.stallSeconds * 1000, log, request })
  }
  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    answer(incoming, response).catch((error: unknown) => {
      log.debug({ err: error }, 'request not answered')
      response.destroy()
    })
  }
  server.on('request', listener)
  // A body that is too large is refused before its sender was told to go on.
  server.on('checkContinue', (incoming: IncomingMessage, response: ServerResponse) => {
    if (Number(incoming.headers['content-length'] ?? 0) <= limits.body) response.writeContinue()
    listener(incoming, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (answering.has(socket)) socket.destroy()
    else answerBroken(error, socket, log)
  })
}

function refuseBody(request: Request, log: Log): Reply {
  log.warn({ remoteAddress: request.remoteAddress }, 'over limits.body, request refused')
  return plainError(request.headers.host ?? '', request, 'RequestTooLarge')
}
