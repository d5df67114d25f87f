import { Fault } from '../core/fault.ts'
import { parseManifest, type Manifest, type StoredObject } from '../core/manifest.ts'
import type { SetReader } from '../core/set-reader.ts'
import type { Identity } from '../lib/age.ts'
import type { Bytes, Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { attemptPrefix, MANIFEST, parseSetKey } from './layout.ts'
import { needIdentity } from './need-identity.ts'
import { objectBytes, type ReadOptions } from './object-bytes.ts'

/** A manifest names a few objects and some settings: one larger than this is none. */
const MAX_MANIFEST = 64 * 1024 * 1024

/**
 * The manifest under `key`. Fault 'not_found' when there is none, 'too_new' when a newer program wrote it, 'store_corrupt' when it is
 * unreadable or speaks of another place than the one it lies in.
 */
export async function readManifest(store: Store, key: string, options: Options = {}): Promise<Manifest> {
  const { size } = await store.stat(key, options)
  if (size > MAX_MANIFEST) throw new Fault('store_corrupt', `read ${key}: ${size} bytes are no manifest`)
  const text = Buffer.concat(await Array.fromAsync(await store.get(key, options))).toString()
  const manifest = parseManifest(text, key)
  checkBelongs(manifest, key)
  return manifest
}

/** Fault 'store_corrupt' unless the manifest is that of the attempt whose manifest lies under `key`, and all its objects lie there. */
export function checkBelongs(manifest: Manifest, key: string): void {
  const place = {
    instanceId: manifest.instance.id,
    setId: manifest.backupId,
    taskId: manifest.taskId,
    attempt: manifest.attempt,
  }
  const prefix = attemptPrefix(place)
  const stray = objectsOf(manifest).find((object) => {
    return !object.key.startsWith(prefix) || parseSetKey(object.key) === undefined
  })
  if (key === prefix + MANIFEST && !stray) return
  throw new Fault('store_corrupt', `read ${key}: it is the manifest of ${stray?.key ?? prefix}, which lies elsewhere`)
}

/** All objects of a set, parts first. */
export const objectsOf = (manifest: Manifest): readonly StoredObject[] => [...manifest.parts, ...manifest.extras]

/**
 * Opens a set for reading, any range of any part. Nothing is read before `read` is. An encrypted part is Fault 'identity_needed' unless
 * one of the identities opens it.
 */
export function openSet(store: Store, manifest: Manifest, identities: readonly Identity[] = []): SetReader {
  return {
    manifest,
    read: (part, range, options) => readPart(store, manifest, part, range, { ...options, identities }),
  }
}

async function* readPart(
  store: Store,
  manifest: Manifest,
  name: string,
  range: { start: number; end: number } | undefined,
  options: ReadOptions,
): Bytes {
  const object = objectsOf(manifest).find((one) => one.name === name)
  if (!object) throw new Fault('not_found', `read part ${name} of set ${manifest.backupId}: it has no such part`)
  try {
    yield* objectBytes(store, object, range, options)
  } catch (error) {
    if (Fault.is(error, 'identity_needed')) throw needIdentity(manifest, options.identities ?? [], error)
    if (!Fault.is(error, 'store_corrupt')) throw error
    throw new Fault('store_corrupt', `read part ${name} of set ${manifest.backupId}: ${error.message}`, {
      hint: 'Restore another set, and verify this one to see all that is damaged.',
      cause: error,
    })
  }
}
