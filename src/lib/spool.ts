import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { Bytes } from './streams.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** At least so many plain bytes are compressed at once. */
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
  let pending: Uint8Array[] = []
  let filled = 0
  let size = 0
  return {
    get size() {
      return size
    },
    async write(chunk) {
      pending.push(Buffer.from(chunk))
      filled += chunk.length
      size += chunk.length
      if (filled < BLOCK) return
      const full = Buffer.concat(pending)
      pending = []
      filled = 0
      blocks.push(await compress(full))
    },
    async *read() {
      for (const stored of blocks) yield await decompress(stored)
      yield* pending
    },
  }
}
