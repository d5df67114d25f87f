import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Log } from '../lib/log.ts'
import type { Bytes } from '../lib/streams.ts'
import type { Pieces, Reply, Request } from './request.ts'

export interface SendOptions {
  /** A reader that takes nothing for so long is cut. */
  readonly stallMs: number
  readonly log: Log
  readonly request: Request
}

/** Writes a reply, as fast as its reader takes it. Resolves when all of it is handed over, or its reader is gone. */
export async function sendReply(response: ServerResponse, reply: Reply, options: SendOptions): Promise<void> {
  const { status, headers, body } = reply
  response.writeHead(status, headers)
  if (typeof body === 'string' || Buffer.isBuffer(body) || isPieces(body)) {
    endWith(response, body)
    // Nearly every reply is gone by then, and costs no time-out.
    setImmediate(() => {
      if (!response.writableFinished) cutStalled(response, options)
    })
    return
  }
  if (options.request.method === 'HEAD') {
    response.end()
    return
  }
  cutStalled(response, options)
  await stream(response, body, options)
}

const isPieces = (body: Pieces | Bytes): body is Pieces => Array.isArray(body)

/** What is written before the next tick leaves in one system call. */
function endWith(response: ServerResponse, body: string | Buffer | Pieces): void {
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    response.end(body)
    return
  }
  for (const piece of body) response.write(piece)
  response.end()
}

/** The time-out of a socket runs anew with all that its reader takes; waiting for bytes to send is not the reader's fault. */
function cutStalled(response: ServerResponse, { stallMs, log, request }: SendOptions): void {
  response.setTimeout(stallMs, () => {
    if (!response.writableNeedDrain && response.writableLength === 0) return
    log.warn(
      { remoteAddress: request.remoteAddress, seconds: stallMs / 1000 },
      'over limits.stallSeconds, download cut',
    )
    response.destroy()
  })
}

async function stream(response: ServerResponse, body: Bytes, { log, request }: SendOptions) {
  const { signal, remoteAddress } = request
  try {
    for await (const chunk of body) {
      if (response.destroyed) return
      if (!response.write(chunk)) await once(response, 'drain', { signal })
    }
    response.end()
  } catch (error) {
    if (!signal.aborted) log.error({ err: error, remoteAddress }, 'reply broken off')
    // Its length was announced: the reader sees that it is not whole.
    response.destroy()
  }
}
