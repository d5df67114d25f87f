import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '../lib/log.ts'
import type { RdsErrorCode } from './errors.ts'
import { plainError } from './plain-error.ts'

/** What the parser says of a request that it gives up, where it is a limit. */
const LIMITS: Readonly<Record<string, { readonly code: RdsErrorCode; readonly limit: string }>> = {
  HPE_HEADER_OVERFLOW: { code: 'RequestHeaderTooLarge', limit: 'limits.requestLine' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'RequestTimeout', limit: 'limits.headerSeconds' },
}

/** What is still coming from the other side is thrown away for so long, so that it reads the answer before the connection ends. */
const LINGER_MS = 1000

const answered = new WeakSet<Duplex>()

/** Answers what could not be read as a request, and ends the connection. */
export function answerBroken(error: NodeJS.ErrnoException, socket: Duplex, log: Log): void {
  if (answered.has(socket)) return
  answered.add(socket)
  const remoteAddress = 'remoteAddress' in socket ? socket.remoteAddress : undefined
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { code, limit } = LIMITS[error.code ?? ''] ?? { code: 'MalformedRequest' as const, limit: undefined }
  if (limit) log.warn({ remoteAddress }, `over ${limit}, request refused`)
  else log.debug({ remoteAddress, err: error.message }, 'not a request')
  socket.on('error', () => {})
  socket.end(rawReply(code))
  linger(socket)
}

function rawReply(code: RdsErrorCode): string {
  const { status, headers, body } = plainError('', undefined, code)
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`
}

function linger(socket: Duplex): void {
  socket.resume()
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') {
    socket.setTimeout(LINGER_MS, () => socket.destroy())
  }
}
