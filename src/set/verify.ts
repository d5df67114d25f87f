import { Fault } from '../core/fault.ts'
import type { Manifest, StoredObject } from '../core/manifest.ts'
import type { Identity } from '../lib/age.ts'
import { release } from '../lib/release.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { checkStored, objectBytes, type ReadOptions } from './object-bytes.ts'
import { objectsOf } from './read.ts'
import type { VerifyReport } from './set.ts'

export interface VerifyOptions extends Options {
  /** Told again and again how many stored bytes have been read so far, over all objects. */
  readonly onProgress?: ((bytes: number) => void) | undefined
  /** What opens encrypted objects; of those that none opens, the stored bytes alone are checked. */
  readonly identities?: readonly Identity[] | undefined
}

/**
 * Reads every stored byte of a set and decodes it, and holds sizes, frame checksums, decoded lengths and SHA-256 against the
 * manifest. What is wrong is in the report; only a store that cannot be read now is thrown.
 */
export async function verifySet(store: Store, manifest: Manifest, options: VerifyOptions = {}): Promise<VerifyReport> {
  const damage: string[] = []
  let [bytes, opened] = [0, true]
  const onStored = (more: number) => {
    bytes += more
    options.onProgress?.(bytes)
  }
  const { signal, identities } = options
  const objects = objectsOf(manifest)
  for (const object of objects) {
    const found = await check(store, object, { signal, identities, onStored })
    opened &&= found.opened
    if (found.wrong === undefined) continue
    const kind = manifest.parts.includes(object) ? 'part' : 'extra'
    damage.push(`${kind} ${object.name} (${object.key}): ${found.wrong}`)
  }
  return { ok: damage.length === 0, objects: objects.length, bytes, opened, damage }
}

interface Checked {
  readonly opened: boolean
  /** The first thing found wrong, in plain words; undefined when the object is whole. */
  readonly wrong: string | undefined
}

async function check(store: Store, object: StoredObject, options: ReadOptions): Promise<Checked> {
  const decoded = await whatIsWrong(() => decodeAll(store, object, options))
  if (decoded?.code !== 'identity_needed') return { opened: true, wrong: decoded?.message }
  const stored = await whatIsWrong(() => checkStored(store, object, options))
  return { opened: false, wrong: stored?.message }
}

async function decodeAll(store: Store, object: StoredObject, options: ReadOptions): Promise<void> {
  for await (const plain of objectBytes(store, object, undefined, options)) {
    options.signal?.throwIfAborted()
    release(plain)
  }
}

async function whatIsWrong(read: () => Promise<void>): Promise<Fault | undefined> {
  try {
    await read()
    return undefined
  } catch (error) {
    if (Fault.is(error, 'store_corrupt') || Fault.is(error, 'identity_needed')) return error
    throw error
  }
}
