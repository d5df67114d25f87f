import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../core/fault.ts'
import type { Bytes } from '../lib/streams.ts'
import { faulting } from './fs-faults.ts'

const CHUNK = 1024 * 1024

/**
 * Reads an open file from `start` up to, not including, `end`, one chunk ahead of whoever takes them. Closes it at the end,
 * on failure, and when the reader stops early, also before the first byte.
 */
export function fileBytes(
  doing: string,
  file: FileHandle,
  range: { start: number; end: number },
  signal: AbortSignal | undefined,
): Bytes {
  let at = range.start
  let ahead: Promise<Buffer> | undefined

  const readOn = (): Promise<Buffer> | undefined => {
    if (at >= range.end) return undefined
    const length = Math.min(CHUNK, range.end - at)
    const chunk = readWhole(doing, file, at, length)
    chunk.catch(() => undefined)
    at += length
    return chunk
  }

  const iterator: AsyncIterableIterator<Uint8Array, undefined> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      try {
        signal?.throwIfAborted()
        const chunk = ahead ?? readOn()
        ahead = readOn()
        if (chunk) return { done: false, value: await chunk }
      } catch (error) {
        await iterator.return?.()
        throw error
      }
      return iterator.return?.() ?? { done: true, value: undefined }
    },
    async return() {
      at = range.end
      ahead = undefined
      await file.close()
      return { done: true, value: undefined }
    },
  }
  return iterator
}

async function readWhole(doing: string, file: FileHandle, start: number, length: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(length)
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await faulting(doing, file.read(chunk, filled, length - filled, start + filled))
    if (bytesRead === 0) throw new Fault('store_corrupt', `${doing}: it became shorter while it was read`)
    filled += bytesRead
  }
  return chunk
}
