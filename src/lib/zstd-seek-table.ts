import type { Bytes } from './streams.ts'

/** A stored byte that is not as it was written: what is wrong and where, in plain words. */
export class FrameDamage extends Error {
  override readonly name = 'FrameDamage'
}

/**
 * Where each frame lies. `storedAt[i]` and `plainAt[i]` are where frame i begins, in stored and in decoded bytes; one more
 * entry says where the last one ends.
 */
export interface SeekTable {
  readonly frames: number
  readonly plainSize: number
  /** Bytes of all frames and the table itself. */
  readonly storedSize: number
  readonly storedAt: Float64Array
  readonly plainAt: Float64Array
}

/** Reads the stored bytes from `start` up to, not including, `end`. */
export type ReadRange = (start: number, end: number) => Promise<Bytes>

const SKIPPABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const HEADER = 8
const FOOTER = 9
const ENTRY = 8
const MAX_FRAMES = 0x8000000

/** No frame decodes to more than this many bytes, so that a damaged table cannot ask for all memory. */
export const MAX_FRAME_SIZE: number = 64 * 1024 * 1024

/** The first guess of how many bytes at the end hold the table: enough for 8,000 frames. */
const TAIL = 64 * 1024

/** The table, in the standard seekable format, of frames with these lengths: stored and plain by turns. */
export function formatSeekTable(lengths: readonly number[]): Buffer {
  const frames = lengths.length / 2
  if (frames > MAX_FRAMES) throw new RangeError(`${frames} frames, a seek table holds ${MAX_FRAMES}`)
  const table = Buffer.allocUnsafe(HEADER + ENTRY * frames + FOOTER)
  table.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  table.writeUInt32LE(ENTRY * frames + FOOTER, 4)
  lengths.forEach((length, i) => table.writeUInt32LE(length, HEADER + 4 * i))
  const footer = table.length - FOOTER
  table.writeUInt32LE(frames, footer)
  table.writeUInt8(0, footer + 4)
  table.writeUInt32LE(SEEKABLE_MAGIC, footer + 5)
  return table
}

/** Reads the table at the end of `size` stored bytes. FrameDamage when there is none that fits them exactly. */
export async function readSeekTable(read: ReadRange, size: number): Promise<SeekTable> {
  const tail = await readAll(read, Math.max(0, size - TAIL), size)
  if (tail.length < HEADER + FOOTER || tail.readUInt32LE(tail.length - 4) !== SEEKABLE_MAGIC) {
    throw new FrameDamage('its seek table is missing at the end')
  }
  const footer = tail.length - FOOTER
  const frames = tail.readUInt32LE(footer)
  const entry = (tail.readUInt8(footer + 4) & 0x80) === 0 ? ENTRY : ENTRY + 4
  const length = HEADER + entry * frames + FOOTER
  if (frames > MAX_FRAMES || length > size) throw new FrameDamage(`its seek table of ${frames} frames does not fit`)
  const table = length <= tail.length ? tail.subarray(tail.length - length) : await readAll(read, size - length, size)
  return parseSeekTable(table, frames, entry, size)
}

function parseSeekTable(table: Buffer, frames: number, entry: number, size: number): SeekTable {
  if (table.readUInt32LE(0) !== SKIPPABLE_MAGIC || table.readUInt32LE(4) !== table.length - HEADER) {
    throw new FrameDamage('its seek table has a wrong head')
  }
  const storedAt = new Float64Array(frames + 1)
  const plainAt = new Float64Array(frames + 1)
  let [stored, plain] = [0, 0]
  for (let i = 0, at = HEADER; i < frames; i++, at += entry) {
    const length = table.readUInt32LE(at + 4)
    if (length > MAX_FRAME_SIZE) throw new FrameDamage(`frame ${i} is said to decode to ${length} bytes`)
    storedAt[i + 1] = stored += table.readUInt32LE(at)
    plainAt[i + 1] = plain += length
  }
  if (stored + table.length !== size) {
    throw new FrameDamage(`its seek table speaks of ${stored + table.length} bytes, there are ${size}`)
  }
  return { frames, plainSize: plain, storedSize: size, storedAt, plainAt }
}

async function readAll(read: ReadRange, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.concat(await Array.fromAsync(await read(start, end)))
  if (bytes.length !== end - start) throw new FrameDamage(`it ends ${end - start - bytes.length} bytes early`)
  return bytes
}

/** The frame that holds the plain byte `offset`: the last one that begins at or before it. */
export function frameOf(table: SeekTable, offset: number): number {
  let [low, high] = [0, Math.max(0, table.frames - 1)]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if ((table.plainAt[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
