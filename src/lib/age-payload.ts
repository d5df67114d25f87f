import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { release } from './release.ts'
import type { Bytes } from './streams.ts'
import { FrameDamage } from './zstd-seek-table.ts'

/** Plain bytes of each chunk but the last. */
export const CHUNK: number = 64 * 1024
const TAG = 16
/** Their length in the payload: each ends in a tag. */
export const STORED_CHUNK: number = CHUNK + TAG
/** Bytes at the beginning of a payload that make its key. */
export const PAYLOAD_NONCE = 16
const CIPHER = 'chacha20-poly1305'
/** Beyond it the counter of chunks would not be exact. */
const MAX_CHUNK = 2 ** 48 - 1

/** The key of a payload, of the file's key and the payload's nonce. */
export const payloadKey = (fileKey: Uint8Array, nonce: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))

/** How many bytes the chunks of so many plain bytes have. No bytes are one empty chunk. */
export const sealedSize = (plainSize: number): number => plainSize + TAG * Math.max(1, Math.ceil(plainSize / CHUNK))

/** How many plain bytes are in chunks of so many bytes. FrameDamage when no chunks have that length. */
export function plainSizeOf(size: number): number {
  const last = size % STORED_CHUNK
  const chunks = Math.ceil(size / STORED_CHUNK)
  const isShort = size < TAG || (last > 0 && last < TAG) || (last === TAG && chunks > 1)
  if (isShort) throw new FrameDamage(`its ${size} bytes of chunks do not end where a chunk may`)
  return size - TAG * chunks
}

/** Seals `body` into the chunks of a payload. Memory is that of a chunk. Each one it gives is the reader's own. */
export async function* sealChunks(body: Bytes, key: Uint8Array): Bytes {
  let index = 0
  for await (const { bytes, isLast } of cut(body, CHUNK)) {
    const cipher = createCipheriv(CIPHER, key, nonceOf(index++, isLast), { authTagLength: TAG })
    const sealed = Buffer.allocUnsafeSlow(bytes.length + TAG)
    sealed.set(cipher.update(bytes), 0)
    cipher.final()
    sealed.set(cipher.getAuthTag(), bytes.length)
    yield sealed
  }
}

/**
 * Opens chunks that begin with number `first` of a payload and go to its end, or, unless `toEnd`, to one before it. FrameDamage at the
 * first that was altered, moved or cut, and when the last chunk of a payload is missing or something follows it.
 */
export async function* openChunks(
  stored: Bytes,
  key: Uint8Array,
  { first = 0, toEnd = true }: { readonly first?: number; readonly toEnd?: boolean } = {},
): Bytes {
  let index = first
  for await (const { bytes, isLast } of cut(stored, STORED_CHUNK)) {
    yield openChunk(bytes, key, index, isLast && toEnd)
    index++
  }
}

function openChunk(bytes: Buffer, key: Uint8Array, index: number, isLast: boolean): Buffer {
  const length = bytes.length - TAG
  if (length < 0) throw new FrameDamage(`it ends inside chunk ${index} of its encryption`)
  if (length === 0 && index > 0) throw new FrameDamage(`chunk ${index} of its encryption is empty`)
  const decipher = createDecipheriv(CIPHER, key, nonceOf(index, isLast), { authTagLength: TAG })
  decipher.setAuthTag(bytes.subarray(length))
  const plain = decipher.update(bytes.subarray(0, length))
  try {
    decipher.final()
  } catch (cause) {
    const cutShort = isLast ? ', or what follows it is missing' : ''
    throw new FrameDamage(`chunk ${index} of its encryption was altered${cutShort}`, { cause })
  }
  return plain
}

/** Eleven bytes of a counter, big-endian, and one that says whether it is the last chunk. */
function nonceOf(index: number, isLast: boolean): Buffer {
  if (index > MAX_CHUNK) throw new RangeError('a payload of age has too many chunks')
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(index, 5, 6)
  nonce.writeUInt8(isLast ? 1 : 0, 11)
  return nonce
}

/**
 * Cuts a body into pieces of `size`, the last one shorter and never empty but for an empty body. Whether a piece is the last is known
 * only when another byte or the end has come, so each waits for that. The next piece overwrites it.
 */
async function* cut(body: Bytes, size: number): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  const piece = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      if (filled === size) {
        yield { bytes: piece, isLast: false }
        filled = 0
      }
      const take = Math.min(size - filled, chunk.length - at)
      piece.set(chunk.subarray(at, at + take), filled)
      filled += take
      at += take
    }
    release(chunk)
  }
  yield { bytes: piece.subarray(0, filled), isLast: true }
}
