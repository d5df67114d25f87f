import type { Duplex } from 'node:stream'
import { Fault } from '../../core/fault.ts'
import { inflowOf } from '../../lib/inflow.ts'
import type { Options } from '../../lib/streams.ts'
import { createWireReader, formatQuery, type WireEvent } from './wire-reader.ts'

/** An authenticated connection of which nobody else reads: a socket, over TLS or not. */
export interface Wire extends Duplex {
  /** Emits 'timeout' after so many milliseconds without a byte; 0 for never. */
  setTimeout(ms: number): unknown
}

export interface StreamOptions extends Options {
  /** Milliseconds without a byte, while we wait for one, after which the server counts as gone; read anew at each wait. */
  readonly idleMs: () => number
}

/**
 * Sends one command on a socket taken over from `pg`, and gives what the server says, a batch of events for each chunk
 * that arrives, until the connection ends or the reader stops. Its bytes are valid until the next batch is asked for. Then the socket is closed. Fault 'instance_unreachable' when the
 * connection breaks or stays silent.
 */
export async function* runCommand(socket: Wire, sql: string, options: StreamOptions): AsyncGenerator<WireEvent[]> {
  const { signal, idleMs } = options
  const reader = createWireReader()
  const stop = () => socket.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    socket.write(formatQuery(sql))
    for await (const chunk of chunks(socket, idleMs)) yield reader.feed(chunk)
    signal?.throwIfAborted()
    throw lost('the server closed the connection')
  } catch (error) {
    signal?.throwIfAborted()
    if (Fault.is(error)) throw error
    if (error instanceof RangeError)
      throw new Fault('engine_failed', `take a base backup: ${error.message}`, { cause: error })
    throw lost('the connection broke', error)
  } finally {
    signal?.removeEventListener('abort', stop)
    socket.destroy()
  }
}

/**
 * The socket's bytes as they arrive, each piece until the next one is asked for. Silence counts only while we wait: a server that is
 * held back by its reader is not silent.
 */
async function* chunks(socket: Wire, idleMs: () => number): AsyncGenerator<Buffer> {
  let failure: unknown
  let wake = () => {}
  let waiting = false
  const inflow = inflowOf(socket, () => wake())
  socket.on('timeout', () => {
    if (waiting) socket.destroy(lost('no byte came for too long'))
  })
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => wake())
  socket.on('end', () => wake())
  for (;;) {
    const chunk = inflow.take()
    if (chunk) yield chunk
    else if (failure !== undefined) throw failure
    else if (socket.readableEnded || socket.destroyed) return
    else {
      // Begins anew at each wait: a time-out that passed while the socket was held back does not come again by itself.
      socket.setTimeout(idleMs())
      waiting = true
      await new Promise<void>((resolve) => (wake = resolve))
      waiting = false
    }
  }
}

const lost = (what: string, cause?: unknown) =>
  new Fault('instance_unreachable', `take a base backup: ${what}`, {
    cause,
    hint: 'See the log of the server; the backup is taken again.',
  })
