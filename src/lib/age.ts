import { createHash, randomBytes } from 'node:crypto'
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption'
import {
  CHUNK,
  openChunks,
  PAYLOAD_NONCE,
  payloadKey,
  plainSizeOf,
  sealChunks,
  sealedSize,
  STORED_CHUNK,
} from './age-payload.ts'
import type { Bytes } from './streams.ts'
import { FrameDamage, type ReadRange } from './zstd-seek-table.ts'

/** The longest header that is looked for: that of some hundred recipients. */
const MAX_HEADER = 32 * 1024
const HEADER_END = /\n--- [A-Za-z0-9+/]{43}\n/

/** Whether a text is a recipient that Debian's `age` knows: `age1` and a public key of X25519, as age-keygen prints it. */
export function isRecipient(text: string): boolean {
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return false
  try {
    new Encrypter().addRecipient(text)
    return true
  } catch {
    return false
  }
}

/** A recipient's name in manifests and messages: the first 16 hex digits of the SHA-256 of its text. */
export const fingerprintOf = (recipient: string): string =>
  createHash('sha256').update(recipient).digest('hex').slice(0, 16)

/** An identity that can open what is encrypted to its recipient. */
export interface Identity {
  readonly recipient: string
  readonly fingerprint: string
  /** `AGE-SECRET-KEY-1…`: in no message, log or argument. */
  readonly secret: string
}

/** The lines of an identity file that are neither empty nor a comment. */
export const identityLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))

/** The identities in the text of a file of age-keygen; undefined when a line is none, or there is none. */
export async function parseIdentities(text: string): Promise<readonly Identity[] | undefined> {
  const lines = identityLines(text)
  if (lines.length === 0 || !lines.every((line) => /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(line)))
    return undefined
  try {
    return await Promise.all(
      lines.map(async (secret) => {
        const recipient = await identityToRecipient(secret)
        return { recipient, fingerprint: fingerprintOf(recipient), secret }
      }),
    )
  } catch {
    return undefined
  }
}

/** `body` in the format of age, version 1, for the holders of an identity of one of `recipients`. Memory is that of a few chunks. */
export async function* sealForRecipients(body: Bytes, recipients: readonly string[]): Bytes {
  const { header, fileKey } = await makeHeader(recipients)
  const nonce = randomBytes(PAYLOAD_NONCE)
  yield Buffer.concat([header, nonce])
  yield* sealChunks(body, payloadKey(fileKey, nonce))
}

/**
 * The package makes a file key and a header with its MAC, but gives out neither: one more recipient, of no line in the header, is told
 * the key, and what an empty file has behind its header is cut off.
 */
async function makeHeader(recipients: readonly string[]): Promise<{ header: Buffer; fileKey: Uint8Array }> {
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  let fileKey: Uint8Array | undefined
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key)
      return []
    },
  })
  const empty = Buffer.from(await encrypter.encrypt(new Uint8Array()))
  const end = headerEnd(empty)
  if (!fileKey || end === undefined) throw new Error('the package age-encryption made no header')
  return { header: empty.subarray(0, end), fileKey }
}

/** A stored file of age that one of the identities opens. Offsets are those of the plain bytes. */
export interface OpenedAge {
  readonly plainSize: number
  /** The plain bytes of a range, out of the chunks that hold them alone. FrameDamage when one was altered. */
  readonly read: ReadRange
  /** The plain bytes of the whole, out of its stored bytes from the first on. FrameDamage when one was altered, or the last chunk is missing. */
  whole(stored: Bytes): Bytes
}

/**
 * Opens a file of `size` stored bytes by its header; undefined when none of the identities is that of a recipient. FrameDamage when
 * it is no such file.
 */
export async function openAge(
  read: ReadRange,
  size: number,
  identities: readonly Identity[],
): Promise<OpenedAge | undefined> {
  const head = Buffer.concat(await Array.fromAsync(await read(0, Math.min(size, MAX_HEADER))))
  const end = headerEnd(head)
  if (end === undefined || size < end + PAYLOAD_NONCE) throw new FrameDamage('it does not begin as a file of age')
  const start = end + PAYLOAD_NONCE
  const plainSize = plainSizeOf(size - start)
  const fileKey = await fileKeyOf(head.subarray(0, end), identities)
  if (!fileKey) return undefined
  const nonce = head.length >= start ? head.subarray(end, start) : await readAll(read, end, start)
  const key = payloadKey(fileKey, nonce)
  return {
    plainSize,
    read: (from, to) => openRange(read, { start, plainSize, key }, from, to),
    whole: (stored) => openChunks(skip(stored, start), key),
  }
}

function headerEnd(bytes: Buffer): number | undefined {
  const match = HEADER_END.exec(bytes.subarray(0, MAX_HEADER).toString('latin1'))
  return match ? match.index + match[0].length : undefined
}

async function fileKeyOf(header: Uint8Array, identities: readonly Identity[]): Promise<Uint8Array | undefined> {
  const decrypter = new Decrypter()
  for (const { secret } of identities) decrypter.addIdentity(secret)
  try {
    return await decrypter.decryptHeader(header)
  } catch (error) {
    if ((error as Error).message.startsWith('no identity matched')) return undefined
    throw new FrameDamage(`its header of age was altered: ${(error as Error).message}`, { cause: error })
  }
}

interface Payload {
  /** Where its first chunk begins in the stored bytes. */
  readonly start: number
  readonly plainSize: number
  readonly key: Uint8Array
}

async function openRange(
  read: ReadRange,
  { start, plainSize, key }: Payload,
  from: number,
  to: number,
): Promise<Bytes> {
  const end = Math.min(to, plainSize)
  if (from >= end) return nothing()
  const [first, last] = [Math.floor(from / CHUNK), Math.floor((end - 1) / CHUNK)]
  const toEnd = (last + 1) * CHUNK >= plainSize
  const stored = await read(
    start + first * STORED_CHUNK,
    start + Math.min((last + 1) * STORED_CHUNK, sealedSize(plainSize)),
  )
  return take(openChunks(stored, key, { first, toEnd }), from - first * CHUNK, end - first * CHUNK)
}

async function* nothing(): Bytes {}

/** The bytes from `start` up to, not including, `end`; the body is read to its end. */
async function* take(body: Bytes, start: number, end: number): Bytes {
  let at = 0
  for await (const chunk of body) {
    // Whoever is given a chunk may release it, and then it has no length any more.
    const { length } = chunk
    const [from, to] = [Math.max(0, start - at), Math.min(length, end - at)]
    if (from === 0 && to === length) yield chunk
    else if (from < to) yield chunk.subarray(from, to)
    at += length
  }
}

const skip = (body: Bytes, bytes: number): Bytes => take(body, bytes, Number.POSITIVE_INFINITY)

async function readAll(read: ReadRange, start: number, end: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await read(start, end)))
}
