import { Socket } from 'node:net'
import type { Readable } from 'node:stream'

/** Bytes of a block; of four of them, so that a reader finds something ready while the next bytes arrive. */
const SIZE = 256 * 1024
const BLOCKS = 4

/** A buffer that is filled from the front, and read as it fills. */
interface Block {
  readonly bytes: Buffer
  filled: number
  taken: number
}

/** Where bytes arrive, to be taken in their order. */
interface Blocks {
  /** Where the next bytes go: never empty. */
  readonly room: () => Buffer
  /** Says that so many bytes have been put there. */
  readonly put: (bytes: number) => void
  /** What came since the last call; undefined when nothing did. */
  readonly take: () => Buffer | undefined
  /** Whether there is room for another block. */
  readonly roomy: () => boolean
}

function createBlocks(): Blocks {
  const free: Buffer[] = []
  const full: Block[] = []
  let made = 0
  const fresh = (): Block => ({ bytes: free.pop() ?? make(), filled: 0, taken: 0 })
  const make = () => {
    made++
    return Buffer.allocUnsafeSlow(SIZE)
  }
  let open = fresh()
  /** The block whose end was taken last: whoever took it may still read. */
  let spent: Block | undefined
  return {
    room: () => open.bytes.subarray(open.filled),
    put(bytes) {
      open.filled += bytes
      if (open.filled < SIZE) return
      full.push(open)
      open = fresh()
    },
    take() {
      if (spent) free.push(spent.bytes)
      spent = undefined
      const block = full[0] ?? open
      if (block.taken === block.filled) return undefined
      const piece = block.bytes.subarray(block.taken, block.filled)
      block.taken = block.filled
      if (block.taken === SIZE) spent = full.shift()
      return piece
    },
    roomy: () => free.length > 0 || made < BLOCKS,
  }
}

/** How the sockets that `inflowSocket` made are told where to put what they read. */
const taps = new WeakMap<Readable, (blocks: Blocks, onBytes: () => boolean) => void>()

/** Longest piece that such a socket reads before that. */
const EARLY = 16 * 1024

/**
 * A socket like any other, until its bytes are read by `inflowOf`: from then on it puts them where they are wanted, and makes no
 * buffers of its own.
 */
export function inflowSocket(): Socket {
  const early = Buffer.allocUnsafeSlow(EARLY)
  let room: () => Buffer = () => early
  let put = (bytes: number, buffer: Uint8Array): boolean => socket.push(Buffer.from(buffer.subarray(0, bytes)))
  const socket: Socket = new Socket({
    onread: { buffer: () => room(), callback: (bytes, buffer) => put(bytes, buffer) },
  })
  taps.set(socket, (blocks, onBytes) => {
    room = blocks.room
    put = (bytes, buffer) => {
      // The socket was given a place for its next bytes when it got the ones before.
      if (buffer === early) copyInto(blocks, early.subarray(0, bytes))
      else blocks.put(bytes)
      return onBytes()
    }
  })
  return socket
}

function copyInto({ room, put }: Blocks, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) {
    const place = room()
    const piece = chunk.subarray(at, at + place.length)
    place.set(piece)
    put(piece.length)
    at += piece.length
  }
}

/** What arrives on a stream. */
export interface Inflow {
  /**
   * What has come since the last call; undefined when nothing has. It is overwritten after the next call. A stream that was held
   * back because a megabyte lay ready goes on.
   */
  take(): Buffer | undefined
}

/**
 * Reads a stream into a megabyte that is used again and again, and calls `onBytes` whenever something came. The chunks of a stream are
 * garbage as soon as they are read, and at hundreds of megabytes a second collecting it takes longer than all other work: one of
 * `inflowSocket` makes none. Nobody else may read from the stream any more.
 */
export function inflowOf(stream: Readable, onBytes: () => void): Inflow {
  const blocks = createBlocks()
  let held = false
  const came = (): boolean => {
    onBytes()
    held = !blocks.roomy()
    return !held
  }
  taps.get(stream)?.(blocks, came)
  stream.on('data', (chunk: Buffer) => {
    copyInto(blocks, chunk)
    if (!came()) stream.pause()
  })
  stream.resume()
  return {
    take() {
      const piece = blocks.take()
      if (held && blocks.roomy()) {
        held = false
        stream.resume()
      }
      return piece
    },
  }
}
