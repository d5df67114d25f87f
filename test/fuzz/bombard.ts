import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { systemClock } from '../../src/lib/clock.ts'
import type { Key } from '../conformance/clients.ts'
import { seeded } from '../crash/random.ts'
import { clientEnv, startServe, temporaryDirectory } from '../lib/service.ts'
import { MAKERS } from './malformed.ts'

/** A request that is not answered or closed in this time hangs. */
const HANG_MS = 30_000
const AT_ONCE = 16

export interface Bombarded {
  /** How many of each maker ended with each status; `closed` is a connection closed without an answer. */
  readonly counts: Readonly<Record<string, number>>
  /** The requests that were answered with 5xx or never, with what came back. */
  readonly broken: readonly string[]
  /** Resident MiB of the API process after each tenth of the requests. */
  readonly memory: readonly number[]
}

/** Sends so many malformed requests of a seed to a real `serve --role api`, and asks it at the end whether it is well: an API that ended fails here. */
export async function bombard(count: number, seed: number): Promise<Bombarded> {
  await using directory = await temporaryDirectory()
  await using serve = startServe({ directory: directory.path, args: ['--role', 'api'] })
  const url = await serve.url()
  const env = await clientEnv(directory.path, url)
  const key: Key = { id: env.HOLDFAST_ACCESS_KEY_ID ?? '', secret: env.HOLDFAST_ACCESS_KEY_SECRET ?? '' }
  const random = seeded(seed)
  const makers = Object.entries(MAKERS)
  const counts: Record<string, number> = {}
  const broken: string[] = []
  const send = async () => {
    const [name, make] = random.pick(makers)
    const bytes = make(random, key, systemClock.now())
    const { status, text } = await exchange(Number(new URL(url).port), bytes)
    counts[`${name} ${status}`] = (counts[`${name} ${status}`] ?? 0) + 1
    if (/^5|hang/.test(status))
      broken.push(`${JSON.stringify(bytes.toString('latin1').slice(0, 600))} → ${text.slice(0, 600)}`)
  }
  const memory: number[] = []
  for (let tenth = 1; tenth <= 10; tenth++) {
    await inParallel(Math.floor((count * tenth) / 10) - Math.floor((count * (tenth - 1)) / 10), send)
    memory.push(residentMiB(serve.pid))
  }
  // Not /healthz: a service without a worker is not well.
  const { status } = await fetch(url)
  if (status >= 500) broken.push(`a plain request after all → ${status}`)
  return { counts, broken, memory }
}

async function inParallel(count: number, send: () => Promise<void>): Promise<void> {
  let left = count
  const lane = async () => {
    while (left-- > 0) await send()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** Writes bytes, says that no more come, and waits for the end of what comes back. */
function exchange(port: number, bytes: Buffer): Promise<{ readonly status: string; readonly text: string }> {
  const { promise, resolve } = Promise.withResolvers<{ status: string; text: string }>()
  const chunks: Buffer[] = []
  let hung = false
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(HANG_MS, () => {
    hung = true
    socket.destroy()
  })
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('close', () => {
    const text = Buffer.concat(chunks).toString('latin1')
    const answered = /^(?:HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n)*HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
    resolve({ status: hung ? 'hang' : (answered ?? 'closed'), text })
  })
  socket.end(bytes)
  return promise
}

function residentMiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Math.round(Number(line?.[1]) / 1024)
}
