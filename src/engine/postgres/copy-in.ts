import type { Socket } from 'node:net'
import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { Bytes } from '../../lib/streams.ts'
import { sqlState } from './ask.ts'

/** The side of `pg` that a query of one's own works with, which its types leave out. */
interface Connection {
  readonly stream: Socket
  query(sql: string): void
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

/** Most bytes of one CopyData message: a larger piece is cut. */
const PIECE = 1 << 20

/**
 * Runs a command to which the server answers that it takes a stream, and sends it `bytes` as fast as it takes them. The server's
 * own errors are thrown as they are; Fault 'instance_unreachable' when the connection breaks.
 */
export async function copyIn(client: pg.Client, sql: string, bytes: Bytes): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let failure: unknown
  const query = {
    submit: (connection: Connection) => connection.query(sql),
    handleCopyInResponse(connection: Connection) {
      send(connection, bytes).catch((error: unknown) => {
        failure = error
        connection.sendCopyFail('the sender gave up')
      })
    },
    handleError: (error: unknown) => reject(failure ?? error),
    handleReadyForQuery: () => resolve(),
    handleRowDescription() {},
    handleDataRow() {},
    handleCommandComplete() {},
    handlePortalSuspended() {},
    handleEmptyQuery() {},
    handleCopyData() {},
  }
  client.query(query as unknown as pg.Submittable)
  try {
    await promise
  } catch (cause) {
    if (Fault.is(cause) || sqlState(cause) !== undefined) throw cause
    throw new Fault('instance_unreachable', 'send a stream to the server: the connection was lost', { cause })
  }
}

async function send(connection: Connection, bytes: Bytes): Promise<void> {
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      // A copy: the reader may use its chunk again once the next one is asked for.
      connection.sendCopyFromChunk(Buffer.from(chunk.subarray(at, at + PIECE)))
      if (connection.stream.writableNeedDrain) await drained(connection.stream)
    }
  }
  connection.endCopyFrom()
}

/** Resolves when the socket takes more; rejects when it is closed before. */
function drained(stream: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => () => {
      stream.off('drain', onDrain)
      stream.off('close', onClose)
      done()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(new Error('the connection was closed')))
    stream.once('drain', onDrain)
    stream.once('close', onClose)
  })
}
