import { release } from '../../lib/release.ts'

/** Gives each chunk of a tar back as soon as the last of its slices is written, instead of when garbage is next collected. */
export interface Chunks {
  /** A slice of a chunk begins to be written. */
  begin(slice: Uint8Array): void
  /** That write has ended. */
  end(slice: Uint8Array): void
  /** No further slice of the chunk will be written. */
  finish(chunk: Uint8Array): void
}

export function createChunks(): Chunks {
  const underWay = new Map<ArrayBufferLike, { writes: number; finished: Uint8Array | undefined }>()
  return {
    begin({ buffer }) {
      const known = underWay.get(buffer)
      if (known) known.writes += 1
      else underWay.set(buffer, { writes: 1, finished: undefined })
    },
    end({ buffer }) {
      const known = underWay.get(buffer)
      if (!known) return
      known.writes -= 1
      if (known.writes > 0) return
      underWay.delete(buffer)
      if (known.finished) release(known.finished)
    },
    finish(chunk) {
      const known = underWay.get(chunk.buffer)
      if (known) known.finished = chunk
      else release(chunk)
    },
  }
}
