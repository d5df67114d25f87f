import { availableParallelism } from 'node:os'
import { mapAhead } from './ahead.ts'
import { noteDropped } from './collect.ts'
import type { Bytes } from './streams.ts'
import { createFrameEncoder, type FrameEncoder } from './zstd-frame.ts'
import { formatSeekTable } from './zstd-seek-table.ts'

/**
 * Plain bytes of each frame but the last. Of 0.5 to 16 MiB none was faster; twice as much saves half a per cent of the stored
 * bytes of a PostgreSQL cluster, and takes 40 MB more memory.
 */
export const FRAME_SIZE: number = 1024 * 1024

/** libuv's pool has four threads unless told otherwise. One frame more than can run at once is filled meanwhile. */
const AHEAD = Math.min(availableParallelism(), 4) + 2

export interface EncodeOptions {
  /** 1 (fast) to 19 (small); zstd's own scale. */
  readonly level: number
  /** For tests: plain bytes of a frame. */
  readonly frameSize?: number
}

/** Encoded bytes, and what has been measured of them so far: final when `bytes` has ended. */
export interface EncodedFrames {
  readonly bytes: Bytes
  readonly plainSize: number
  readonly storedSize: number
  readonly frames: number
}

/**
 * Encodes `body` as independent zstd frames with checksums and a seek table behind them: one valid `.zst` for any decoder.
 *
 * Frames are compressed several at once on libuv's pool, ahead of the reader within a bound; memory does not grow with the
 * body. `bytes` can be read once. Each chunk it gives is the reader's own.
 */
export function encodeFrames(body: Bytes, options: EncodeOptions): EncodedFrames {
  const counts = { plainSize: 0, storedSize: 0, frames: 0 }
  const bytes = encode(body, options, (plain, stored) => {
    counts.plainSize += plain
    counts.storedSize += stored
    if (plain > 0) counts.frames++
  })
  return {
    bytes,
    get plainSize() {
      return counts.plainSize
    },
    get storedSize() {
      return counts.storedSize
    },
    get frames() {
      return counts.frames
    },
  }
}

async function* encode(
  body: Bytes,
  { level, frameSize = FRAME_SIZE }: EncodeOptions,
  count: (plain: number, stored: number) => void,
): Bytes {
  const lengths: number[] = []
  const free: Buffer[] = []
  const encoders: FrameEncoder[] = []
  const idle: FrameEncoder[] = []
  const another = (): FrameEncoder => {
    const encoder = createFrameEncoder({ level })
    encoders.push(encoder)
    return encoder
  }
  const frames = mapAhead(fillFrames(body, frameSize, free), AHEAD, async (plain) => {
    const encoder = idle.pop() ?? another()
    const stored = await encoder.encode(plain)
    idle.push(encoder)
    free.push(Buffer.from(plain.buffer))
    return { plain: plain.length, stored }
  })
  try {
    for await (const { plain, stored } of frames) {
      lengths.push(stored.length, plain)
      count(plain, stored.length)
      yield stored
    }
  } finally {
    for (const encoder of encoders) encoder.close()
  }
  const table = formatSeekTable(lengths)
  count(0, table.length)
  yield table
}

/** Gathers the body into buffers of exactly `size` bytes, the last one shorter. Takes used ones back from `free`. */
async function* fillFrames(body: Bytes, size: number, free: Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  const fresh = () => free.pop() ?? Buffer.allocUnsafeSlow(size)
  let frame = fresh()
  let filled = 0
  for await (const chunk of body) {
    noteDropped(chunk.length)
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(chunk.length - at, size - filled)
      frame.set(at === 0 && take === chunk.length ? chunk : chunk.subarray(at, at + take), filled)
      at += take
      filled += take
      if (filled < size) continue
      yield frame
      frame = fresh()
      filled = 0
    }
  }
  if (filled > 0) yield frame.subarray(0, filled)
}
