import { availableParallelism } from 'node:os'
import { zstdDecompress } from 'node:zlib'
import { mapAhead } from './ahead.ts'
import { noteDropped } from './collect.ts'
import { release } from './release.ts'
import type { Bytes } from './streams.ts'
import { FrameDamage, frameOf, type ReadRange, type SeekTable } from './zstd-seek-table.ts'

const AHEAD = Math.min(availableParallelism(), 4) + 1

interface StoredFrame {
  readonly index: number
  readonly bytes: Uint8Array
  readonly plainSize: number
}

/**
 * Decodes the plain bytes from `start` up to, not including, `end`, reading only the frames that hold them.
 *
 * FrameDamage when a frame fails its checksum, does not decode to exactly the length in the table, or is not used up to its
 * last byte. Bytes given before that are right. A range outside the plain bytes is cut to them.
 */
export async function* decodeRange(table: SeekTable, read: ReadRange, start: number, end: number): Bytes {
  const [from, to] = [Math.max(0, start), Math.min(end, table.plainSize)]
  if (from >= to) return
  const [first, last] = [frameOf(table, from), frameOf(table, to - 1)]
  const stored = await read(table.storedAt[first] ?? 0, table.storedAt[last + 1] ?? 0)
  let at = table.plainAt[first] ?? 0
  for await (const plain of decodeFrames(table, stored, first, last + 1)) {
    const whole = at >= from && at + plain.length <= to
    yield whole ? plain : plain.subarray(Math.max(0, from - at), to - at)
    at += plain.length
  }
}

/**
 * Decodes the frames from `first` up to, not including, `last`, out of stored bytes that begin at frame `first`. Several are
 * decoded at once, ahead of the reader within a bound. What follows the last frame is read to its end and left out.
 */
export function decodeFrames(table: SeekTable, stored: Bytes, first: number, last: number): Bytes {
  return mapAhead(splitFrames(table, stored, first, last), AHEAD, decodeFrame)
}

/**
 * Cuts stored bytes into frames. Each is a copy, so that a chunk and a frame can be released as soon as they are used: waiting
 * for the garbage collector costs more memory than the few compressed bytes cost time.
 */
async function* splitFrames(table: SeekTable, stored: Bytes, first: number, last: number): AsyncGenerator<StoredFrame> {
  const { storedAt, plainAt } = table
  const lengthOf = (offsets: Float64Array, index: number) => (offsets[index + 1] ?? 0) - (offsets[index] ?? 0)
  let index = first
  let frame: Buffer | undefined
  let filled = 0
  for await (const chunk of stored) {
    for (let at = 0; at < chunk.length && index < last;) {
      const length = lengthOf(storedAt, index)
      const take = Math.min(length - filled, chunk.length - at)
      frame ??= Buffer.allocUnsafeSlow(length)
      frame.set(chunk.subarray(at, at + take), filled)
      at += take
      filled += take
      if (filled < length) continue
      yield { index, bytes: frame, plainSize: lengthOf(plainAt, index) }
      index++
      frame = undefined
      filled = 0
    }
    release(chunk)
  }
  if (index < last) throw new FrameDamage(`it ends inside frame ${index}`)
}

/**
 * node:zlib decodes the first frame of what it is given and drops the rest in silence, so both ends are held against the
 * table: bytes taken in and bytes given out.
 */
function decodeFrame({ index, bytes, plainSize }: StoredFrame): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // One byte of room more than needed tells zlib that the frame has ended, without a second round.
    const options = { chunkSize: Math.max(64, plainSize + 1), maxOutputLength: Math.max(1, plainSize), info: true }
    zstdDecompress(bytes, options, (error, result: unknown) => {
      if (error) return reject(new FrameDamage(`frame ${index} does not decode: ${error.message}`, { cause: error }))
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
      if (buffer.length !== plainSize) {
        return reject(new FrameDamage(`frame ${index} decodes to ${buffer.length} bytes, not ${plainSize}`))
      }
      if (engine.bytesWritten !== bytes.length) {
        return reject(new FrameDamage(`frame ${index} has ${bytes.length - engine.bytesWritten} bytes too many`))
      }
      noteDropped(buffer.length)
      release(bytes)
      resolve(buffer)
    })
  })
}
