import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { noteDropped } from './collect.ts'
import { release } from './release.ts'
import type { Bytes } from './streams.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** So many plain bytes are compressed at once. */
const BLOCK = 1024 * 1024

/** Keeps a stream compressed in memory until its length is known, to be read as often as wanted. */
export interface Spool {
  /** Takes a copy of `chunk`. */
  write(chunk: Uint8Array): Promise<void>
  /** Plain bytes written so far. */
  readonly size: number
  /** What has been written, from its first byte. A chunk is valid until the next one is asked for. */
  read(): Bytes
}

/** For text that repeats itself, such as a list of a million files: a few of its bytes in memory for each hundred. */
export function createSpool(): Spool {
  const blocks: Buffer[] = []
  const open = Buffer.allocUnsafeSlow(BLOCK)
  let filled = 0
  return {
    get size() {
      return blocks.length * BLOCK + filled
    },
    async write(chunk) {
      noteDropped(chunk.length)
      for (let at = 0; at < chunk.length;) {
        const take = Math.min(chunk.length - at, BLOCK - filled)
        open.set(chunk.subarray(at, at + take), filled)
        at += take
        filled += take
        if (filled < BLOCK) continue
        blocks.push(await compress(open))
        filled = 0
      }
    },
    async *read() {
      for (const stored of blocks) {
        // With a byte to spare it comes in one piece.
        const plain = await decompress(stored, { chunkSize: BLOCK + 1 })
        yield plain
        release(plain)
      }
      if (filled > 0) yield open.subarray(0, filled)
    },
  }
}
