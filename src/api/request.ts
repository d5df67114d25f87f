import type { Bytes } from '../lib/streams.ts'

/** One HTTP request, read whole. */
export interface Request {
  readonly method: string
  /** What stood in the request line, undecoded: path and query. */
  readonly target: string
  /** Names in lower case; the values of a repeated one joined by ', ' where HTTP allows it. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Who asks: behind a trusted proxy, whom the proxy names. */
  readonly remoteAddress: string
  /** Whether the client's connection is TLS: behind a trusted proxy, as the proxy says. */
  readonly secure: boolean
  /** Aborts when the client goes away or the service closes. */
  readonly signal: AbortSignal
}

/** A body in several pieces, one after the other: so that what many answers share is not copied for each. Never written to. */
export type Pieces = readonly Buffer[]

/** The answer to one request. A body of `Bytes` is streamed: `content-length` must then be among the headers. */
export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | Pieces | Bytes
}
