import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reply, Request } from '../../src/api/request.ts'
import { listen, type HttpLimits, type ListenSettings } from '../../src/api/server-http.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { memoryLog } from './front-door.ts'

/** Limits that a test reaches at once. */
export const LIMITS: HttpLimits = {
  requestLine: 4096,
  body: 2048,
  headerSeconds: 5,
  idleSeconds: 5,
  connections: 100,
  stallSeconds: 5,
}

export interface RunningOptions {
  readonly limits?: Partial<HttpLimits>
  readonly settings?: Partial<ListenSettings>
  readonly clock?: Clock
}

/** A good reply with this text. */
export const replyWith = (text: string): Reply => ({
  status: 200,
  headers: { 'content-length': String(Buffer.byteLength(text)) },
  body: text,
})

const hello = async (): Promise<Reply> => replyWith('hello')

/** A server on a free port, closed at the end of its block. */
export async function running(handle: (request: Request) => Promise<Reply> = hello, options: RunningOptions = {}) {
  const { log, lines } = memoryLog()
  const settings = { host: '127.0.0.1', port: 0, trustedProxies: [], ...options.settings }
  const deps = { limits: { ...LIMITS, ...options.limits }, clock: options.clock ?? systemClock, log }
  const listening = await listen(settings, deps, () => handle)
  return {
    ...listening,
    lines,
    logged: (words: string) => lines.some(({ msg }) => String(msg).includes(words)),
    [Symbol.asyncDispose]: () => listening.close(),
  }
}

/** Writes bytes to a port and gives all that comes back until the other side closes. */
export async function rawExchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = await connected(port)
  socket.write(bytes)
  const text = await readAll(socket)
  socket.destroy()
  return text
}

export async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

/** All that comes from a socket, until its other side closes or breaks it. */
export function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1'))))
}

/** A directory that goes away at the end of its block. */
export function scratch() {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-api-'))
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Writes a self-signed certificate for 127.0.0.1 and its key. */
export function makeCertificate(files: { readonly cert: string; readonly key: string }, name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key]
  execFileSync('openssl', ['req', '-x509', '-days', '2', '-out', files.cert, ...key, ...subject], { stdio: 'ignore' })
}
