import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { Bytes } from './streams.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Plain bytes that are compressed at once. */
const BLOCK = 1024 * 1024

/** Keeps a stream compressed in memory until its length is known, to be read as often as wanted. */
export interface Spool {
  /** Takes a copy of `chunk`. */
  write(chunk: Uint8Array): Promise<void>
  /** Plain bytes written so far. */
  readonly size: number
  /** What has been written, from its first byte. */
  read(): Bytes
}

/** For text that repeats itself, such as a list of a million files: a few of its bytes in memory for each hundred. */
export function createSpool(): Spool {
  const blocks: Buffer[] = []
  let block = Buffer.allocUnsafe(BLOCK)
  let filled = 0
  let size = 0
  return {
    get size() {
      return size
    },
    async write(chunk) {
      for (let at = 0; at < chunk.length;) {
        const take = Math.min(chunk.length - at, BLOCK - filled)
        block.set(chunk.subarray(at, at + take), filled)
        at += take
        filled += take
        if (filled < BLOCK) continue
        const full = block
        block = Buffer.allocUnsafe(BLOCK)
        filled = 0
        blocks.push(await compress(full))
      }
      size += chunk.length
    },
    async *read() {
      for (const stored of blocks) yield await decompress(stored)
      if (filled > 0) yield Buffer.from(block.subarray(0, filled))
    },
  }
}
