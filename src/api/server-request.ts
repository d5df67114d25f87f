import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, Connection } from './client-address.ts'
import type { Request } from './request.ts'

const NO_BODY = Buffer.alloc(0)

/** The body of a request, whole; undefined when it is over `limit` bytes, whether it says so or not. Rejects when its sender goes away. */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> | Buffer | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers
  if (encoding === undefined && (length === undefined || length === '0')) return NO_BODY
  if (Number(length ?? 0) > limit) return undefined
  return collect(incoming, limit)
}

function collect(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) resolve(undefined)
      else chunks.push(chunk)
    })
    incoming.on('end', () => resolve(Buffer.concat(chunks)))
    incoming.on('error', reject)
    incoming.on('close', () => reject(new Error('the client went away')))
  })
}

/** A request as the front door takes it. Its signal is made when somebody wants it: most answers come at once. */
export function toRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  findClient: (connection: Connection) => Client,
): Request {
  const { socket, headers } = incoming
  const client = findClient({
    address: socket.remoteAddress ?? '',
    secure: 'encrypted' in socket,
    forwardedFor: one(headers['x-forwarded-for']),
    forwardedProto: one(headers['x-forwarded-proto']),
  })
  let signal: AbortSignal | undefined
  return {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    headers: headers as Request['headers'],
    rawHeaders: incoming.rawHeaders,
    body,
    remoteAddress: client.address,
    secure: client.secure,
    get signal() {
      signal ??= closedSignal(response)
      return signal
    },
  }
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value)

/** Aborts when the connection of a response closes before all of it was sent. */
function closedSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  const leave = () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'))
  }
  if (response.destroyed) leave()
  else response.once('close', leave)
  return gone.signal
}
