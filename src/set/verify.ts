import { Fault } from '../core/fault.ts'
import type { Manifest, StoredObject } from '../core/manifest.ts'
import { release } from '../lib/release.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { objectBytes } from './object-bytes.ts'
import { objectsOf } from './read.ts'
import type { VerifyReport } from './set.ts'

export interface VerifyOptions extends Options {
  /** Told again and again how many stored bytes have been read so far, over all objects. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/**
 * Reads every stored byte of a set and decodes it, and holds sizes, frame checksums, decoded lengths and SHA-256 against the
 * manifest. What is wrong is in the report; only a store that cannot be read now is thrown.
 */
export async function verifySet(store: Store, manifest: Manifest, options: VerifyOptions = {}): Promise<VerifyReport> {
  const damage: string[] = []
  let bytes = 0
  const onStored = (more: number) => {
    bytes += more
    options.onProgress?.(bytes)
  }
  const objects = objectsOf(manifest)
  for (const object of objects) {
    const wrong = await whatIsWrong(store, object, { signal: options.signal, onStored })
    if (wrong === undefined) continue
    const kind = manifest.parts.includes(object) ? 'part' : 'extra'
    damage.push(`${kind} ${object.name} (${object.key}): ${wrong}`)
  }
  return { ok: damage.length === 0, objects: objects.length, bytes, damage }
}

/** The first thing found wrong with an object, in plain words; undefined when it is whole. */
async function whatIsWrong(
  store: Store,
  object: StoredObject,
  options: Options & { onStored: (bytes: number) => void },
): Promise<string | undefined> {
  try {
    for await (const plain of objectBytes(store, object, undefined, options)) {
      options.signal?.throwIfAborted()
      release(plain)
    }
    return undefined
  } catch (error) {
    if (Fault.is(error, 'store_corrupt')) return error.message
    throw error
  }
}
