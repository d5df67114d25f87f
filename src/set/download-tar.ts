import type { StoredObject } from '../core/manifest.ts'
import { crc64, joinCrc64 } from '../lib/crc64.ts'
import type { Bytes, Options } from '../lib/streams.ts'
import { formatTarHeader, TAR_END, tarPadding } from '../lib/tar.ts'
import type { Store } from '../store/store.ts'

/** A stretch of a tar: bytes at hand, or a stored object. */
type Stretch = { readonly start: number; readonly end: number } & (
  | { readonly bytes: Uint8Array; readonly object?: undefined }
  | { readonly object: StoredObject; readonly bytes?: undefined }
)

/** A tar of stored objects that lies nowhere: its length is known, and any range can be read without the bytes before it. */
export interface ComputedTar {
  readonly size: number
  /** CRC-64 of the whole, decimal; undefined when that of an object is not known. No object is read for it. */
  checksum(): string | undefined
  read(range: { start: number; end: number }, options?: Options): Bytes
}

/**
 * The tar of these objects as they are stored, all in one directory, in their order. The same objects, directory and time give the same
 * bytes.
 */
export function computeTar(
  store: Store,
  objects: readonly StoredObject[],
  { directory, mtime }: { directory: string; mtime: number },
): ComputedTar {
  const stretches = layOut(objects, directory, mtime)
  return {
    size: stretches.at(-1)?.end ?? 0,
    checksum: () => checksumOf(stretches),
    read: (range, options) => readStretches(store, stretches, range, options),
  }
}

function checksumOf(stretches: readonly Stretch[]): string | undefined {
  let sum = 0n
  for (const { bytes, object, start, end } of stretches) {
    if (bytes) sum = crc64(bytes, sum)
    else if (object.crc64 === undefined) return undefined
    else sum = joinCrc64(sum, BigInt(object.crc64), end - start)
  }
  return sum.toString()
}

function layOut(objects: readonly StoredObject[], directory: string, mtime: number): Stretch[] {
  const stretches: Stretch[] = []
  let at = 0
  const add = (length: number, what: { bytes: Uint8Array } | { object: StoredObject }) => {
    if (length > 0) stretches.push({ start: at, end: (at += length), ...what })
  }
  for (const object of objects) {
    const { key, size } = object
    const name = `${directory}/${key.slice(key.lastIndexOf('/') + 1)}`
    const header = formatTarHeader({ name, type: 'file', size, mode: 0o600, uid: 0, gid: 0, mtime, linkName: '' })
    add(header.length, { bytes: header })
    add(size, { object })
    add(tarPadding(size), { bytes: Buffer.alloc(tarPadding(size)) })
  }
  add(TAR_END.length, { bytes: TAR_END })
  return stretches
}

async function* readStretches(
  store: Store,
  stretches: readonly Stretch[],
  range: { start: number; end: number },
  options: Options | undefined,
): Bytes {
  for (const stretch of stretches) {
    const start = Math.max(range.start, stretch.start) - stretch.start
    const end = Math.min(range.end, stretch.end) - stretch.start
    if (start >= end) continue
    if (stretch.bytes) yield stretch.bytes.subarray(start, end)
    else yield* await store.get(stretch.object.key, { ...options, start, end })
  }
}
