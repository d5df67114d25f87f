import { createHash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { Manifest, StoredObject } from '../core/manifest.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { downloadName } from './download-name.ts'
import { computeTar } from './download-tar.ts'
import type { Download } from './set.ts'

/**
 * What a person downloads of a set: the one object of a physical set, one tar of the parts of a logical one; with `file`, the part
 * whose object has that name. Fault 'not_found' when an object is gone or is not of the set, 'store_corrupt' when one has another
 * size than the manifest says.
 */
export async function openDownload(
  store: Store,
  manifest: Manifest,
  { file, ...options }: Options & { readonly file?: string | undefined } = {},
): Promise<Download> {
  const { backupId: id, instance, startedAt, method, encryption, endedAt } = manifest
  const parts = file === undefined ? manifest.parts : manifest.parts.filter(({ key }) => key.endsWith(`/${file}`))
  await Promise.all(parts.map((part) => checkSize(store, part, options)))
  const fileName = downloadName({ id, instanceId: instance.id, startedAt, method, encryption }, file)
  const shared = { fileName, etag: etagOf({ ...manifest, parts }) }
  const [only, ...others] = parts
  if (!only) throw new Fault('not_found', `download ${file} of set ${id}: it has no such object`)
  if (file !== undefined || (method === 'Physical' && others.length === 0)) {
    const { key, size, crc64, encoding } = only
    return {
      ...shared,
      contentType: encoding === 'zstd' ? 'application/zstd' : 'application/octet-stream',
      size,
      checksum: () => crc64,
      read: (range, opts) => store.get(key, { ...range, ...opts }),
    }
  }
  const directory = fileName.replace(/\.tar$/, '')
  const tar = computeTar(store, parts, { directory, mtime: Math.floor(endedAt / 1000) })
  const all = { start: 0, end: tar.size }
  return {
    ...shared,
    contentType: 'application/x-tar',
    size: tar.size,
    checksum: () => tar.checksum(),
    read: async (range = all, opts) => tar.read(range, opts),
  }
}

async function checkSize(store: Store, part: StoredObject, options: Options): Promise<void> {
  const { size } = await store.stat(part.key, options)
  if (size === part.size) return
  throw new Fault('store_corrupt', `download ${part.key}: it has ${size} bytes, the manifest says ${part.size}`)
}

/** Of what the bytes are made of, and of nothing else: the same after an upgrade, another one when a byte is another. */
function etagOf({ backupId, endedAt, parts }: Manifest): string {
  const text = JSON.stringify([backupId, endedAt, parts.map(({ key, size, sha256 }) => [key, size, sha256])])
  return `"${createHash('sha256').update(text).digest('hex').slice(0, 40)}"`
}
