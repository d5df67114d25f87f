import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { release } from './release.ts'

/** Makes frames one after another with the same memory: a context of its own for each costs more than compressing at a low level. */
export interface FrameEncoder {
  /** One whole frame with a checksum and its length, in memory of its own. Called again only when the one before has come. */
  encode(plain: Uint8Array): Promise<Buffer>
  close(): void
}

export interface FrameOptions {
  /** zstd's own scale. */
  readonly level: number
  /** Bytes that zstd writes at once. */
  readonly pieceSize?: number
}

const PIECE = 256 * 1024

/**
 * An encoder of frames on libuv's pool. Each write to the stream of `node:zlib` ends a frame, and the stream itself is never ended,
 * since that would add an empty one.
 */
export function createFrameEncoder({ level, pieceSize = PIECE }: FrameOptions): FrameEncoder {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
  const stream = createZstdCompress({ params, chunkSize: pieceSize, flush: constants.ZSTD_e_end })
  const empty = zstdCompressSync(Buffer.alloc(0), { params })
  let pieces: Buffer[] = []
  let failed: (error: Error) => void = () => {}
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('error', (error) => failed(error))
  return {
    encode: (plain) =>
      new Promise((resolve, reject) => {
        failed = reject
        stream.write(plain, (error) => {
          if (error) return reject(error)
          const came = pieces
          pieces = []
          resolve(joined(withoutEmpty(came, empty)))
        })
      }),
    close: () => stream.destroy(),
  }
}

/** A frame that just fills its last piece is followed by an empty one: zlib asks again whether that was all. */
function withoutEmpty(pieces: Buffer[], empty: Buffer): Buffer[] {
  const before = pieces.at(-2)
  const last = pieces.at(-1)
  return before && endsBuffer(before) && last?.equals(empty) ? pieces.slice(0, -1) : pieces
}

const endsBuffer = ({ byteOffset, length, buffer }: Buffer): boolean => byteOffset + length === buffer.byteLength

/** The pieces in one. The stream is done with a buffer that is full: it goes now, and not when garbage is collected. */
function joined(pieces: readonly Buffer[]): Buffer {
  const frame = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    frame.set(piece, at)
    at += piece.length
    if (endsBuffer(piece)) release(piece)
  }
  return frame
}
