/** What a server's stream of messages holds, as far as a backup needs it. */
export type WireEvent =
  /** A piece of one CopyData message. `first` and `last` tell where the message begins and ends; one may be both. */
  | { readonly kind: 'copy-data'; readonly bytes: Buffer; readonly first: boolean; readonly last: boolean }
  | { readonly kind: 'copy-begin' }
  | { readonly kind: 'copy-end' }
  | { readonly kind: 'columns' }
  | { readonly kind: 'row'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'complete' }
  | { readonly kind: 'ready' }
  /** WARNING, NOTICE and the like. Fields by their one-letter code: S severity, C SQLSTATE, M message. */
  | { readonly kind: 'notice'; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: 'error'; readonly fields: ReadonlyMap<string, string> }

const HEADER = 5
const COPY_DATA = 0x64
/** Longest message but CopyData that a server has reason to send; a longer one is no PostgreSQL. */
const LONGEST = 16 * 1024 * 1024

/** Takes the bytes of a connection, cut anywhere, and gives what they say. */
export interface WireReader {
  /** Events of this chunk. Bytes of CopyData are parts of the chunk itself, not copies. */
  feed(chunk: Buffer): WireEvent[]
  /** Whether the bytes so far end between two messages. */
  readonly between: boolean
}

/** A reader of the backend's side of PostgreSQL's protocol 3. Throws RangeError on what is none of it. */
export function createWireReader(): WireReader {
  let kept: Buffer = Buffer.alloc(0)
  /** Bytes of the CopyData message under way that have not come yet. */
  let left = 0
  let first = false

  /** Passes on what this chunk holds of a CopyData message; gives where it ends. */
  const passOn = (chunk: Buffer, at: number, events: WireEvent[]): number => {
    const end = Math.min(chunk.length, at + left)
    left -= end - at
    if (end > at || left === 0) {
      events.push({ kind: 'copy-data', bytes: chunk.subarray(at, end), first, last: left === 0 })
      first = false
    }
    return end
  }

  return {
    get between() {
      return kept.length === 0 && left === 0
    },
    feed(incoming) {
      const events: WireEvent[] = []
      const chunk = kept.length === 0 ? incoming : Buffer.concat([kept, incoming])
      kept = Buffer.alloc(0)
      let at = left > 0 ? passOn(chunk, 0, events) : 0
      while (left === 0 && at < chunk.length) {
        const header = readHeader(chunk, at)
        if (header?.type === COPY_DATA) {
          left = header.length
          first = true
          at = passOn(chunk, at + HEADER, events)
          continue
        }
        if (header === undefined || chunk.length < at + HEADER + header.length) {
          // A copy, so that a small rest does not keep a whole chunk alive.
          kept = Buffer.from(chunk.subarray(at))
          break
        }
        const body = chunk.subarray(at + HEADER, at + HEADER + header.length)
        const event = eventOf(header.type, body)
        if (event) events.push(event)
        at += HEADER + header.length
      }
      return events
    },
  }
}

/** Type and length of the body of the message at `at`; undefined when not all of its header is there. */
function readHeader(chunk: Buffer, at: number): { type: number; length: number } | undefined {
  if (chunk.length < at + HEADER) return undefined
  const type = chunk[at] ?? 0
  const length = chunk.readInt32BE(at + 1) - 4
  if (length < 0 || (length > LONGEST && type !== COPY_DATA)) throw new RangeError('a message of impossible length')
  return { type, length }
}

function eventOf(type: number, body: Buffer): WireEvent | undefined {
  switch (String.fromCharCode(type)) {
    case 'T':
      return { kind: 'columns' }
    case 'D':
      return { kind: 'row', values: readRow(body) }
    case 'C':
      return { kind: 'complete' }
    case 'H':
      return { kind: 'copy-begin' }
    case 'c':
      return { kind: 'copy-end' }
    case 'Z':
      return { kind: 'ready' }
    case 'N':
      return { kind: 'notice', fields: readFields(body) }
    case 'E':
      return { kind: 'error', fields: readFields(body) }
    case 'S':
    case 'A':
    case 'K':
      return undefined
    default:
      throw new RangeError(`a message of unknown type ${type}`)
  }
}

function readRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  let at = 2
  for (let n = body.readInt16BE(0); n > 0; n--) {
    const length = body.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return values
}

function readFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1)
    if (end < 0) break
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, end))
    at = end + 1
  }
  return fields
}

/** A simple query, as bytes for the server. */
export function formatQuery(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`)
  const head = Buffer.alloc(HEADER)
  head.write('Q', 0)
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}
