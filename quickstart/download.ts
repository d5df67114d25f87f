import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'

/** A finished download. */
export interface Downloaded {
  readonly bytes: number
  /** Where it was cut off and taken up again. */
  readonly resumedAt: number
  readonly sha256: string
}

/** An answer read whole. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/**
 * Downloads `url` into `file` as over a bad line: the connection is cut after half of the bytes, and a second request asks for
 * the rest by Range, if the object is still the same (If-Range).
 *
 * Rejects when the second answer is not exactly the missing part.
 */
export async function downloadInTwo(
  url: string,
  file: string,
  onProgress: (bytes: number, total: number) => void,
): Promise<Downloaded> {
  const target = await open(file, 'wx+')
  try {
    const first = await request(url)
    expect(first, 200)
    const total = Number(first.headers['content-length'])
    const half = await append(first, target, Math.floor(total / 2), (bytes) => onProgress(bytes, total))
    const second = await request(url, { range: `bytes=${half}-`, 'if-range': first.headers.etag ?? '' })
    expect(second, 206)
    const range = `bytes ${half}-${total - 1}/${total}`
    if (second.headers['content-range'] !== range)
      throw new Error(`asked for ${range}, got ${second.headers['content-range']}`)
    const rest = await append(second, target, Infinity, (bytes) => onProgress(half + bytes, total))
    return { bytes: half + rest, resumedAt: half, sha256: await sha256(target) }
  } finally {
    await target.close()
  }
}

/** Reads what a URL answers, as text. */
export async function ask(url: string): Promise<Answer> {
  const reply = await request(url)
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk as Buffer)
  return {
    status: reply.statusCode ?? 0,
    contentType: reply.headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString(),
  }
}

function request(url: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  const open = url.startsWith('https:') ? getSecure : get
  return new Promise((resolve, reject) => open(url, { headers, agent: false }, resolve).once('error', reject))
}

function expect(reply: IncomingMessage, status: number): void {
  if (reply.statusCode === status) return
  reply.destroy()
  throw new Error(`the download answered ${reply.statusCode} instead of ${status}`)
}

/** Writes at most `limit` bytes of an answer, cuts the connection where more would come, and gives how many were written. */
async function append(
  reply: IncomingMessage,
  target: FileHandle,
  limit: number,
  onProgress: (bytes: number) => void,
): Promise<number> {
  let written = 0
  for await (const chunk of reply) {
    const wanted = (chunk as Buffer).subarray(0, limit - written)
    await target.appendFile(wanted)
    written += wanted.length
    onProgress(written)
    if (written >= limit) break
  }
  return written
}

async function sha256(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(1 << 20)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}
