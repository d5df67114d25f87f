import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import { mapAhead } from '../lib/ahead.ts'
import type { Options } from '../lib/streams.ts'
import type { ObjectInfo, Store } from '../store/store.ts'
import { attemptPrefix, MANIFEST, manifestKeyOf, parseSetKey, SETS, TOMBSTONE } from './layout.ts'
import { objectsOf, readManifest } from './read.ts'
import type { AttemptPlace, FoundSet } from './set.ts'

/** How many manifests are read at once. */
const READS = 8

/** The objects that lie in one attempt's place, by their names in there. */
export interface AttemptObjects {
  readonly place: AttemptPlace
  readonly objects: ReadonlyMap<string, ObjectInfo>
}

/** Every attempt below `prefix`, in key order, with its objects. What is no object of a set is passed over. */
export async function* attemptsBelow(
  store: Store,
  prefix: string,
  options: Options = {},
): AsyncGenerator<AttemptObjects, void, undefined> {
  let current: { place: AttemptPlace; objects: Map<string, ObjectInfo> } | undefined
  for await (const info of store.list(prefix, options)) {
    const parsed = parseSetKey(info.key)
    if (!parsed) continue
    if (!current || attemptPrefix(current.place) !== attemptPrefix(parsed.place)) {
      if (current) yield current
      current = { place: parsed.place, objects: new Map() }
    }
    current.objects.set(parsed.name, info)
  }
  if (current) yield current
}

/**
 * Every set in a store, in key order: each manifest that no tombstone lies beside. One that cannot be read, or whose objects are not
 * all there with their sizes, comes with the fault instead. A store that does not answer is thrown.
 */
export async function* listManifests(store: Store, options: Options = {}): AsyncIterable<FoundSet> {
  const found = mapAhead(attemptsBelow(store, SETS, options), READS, (attempt) => foundIn(store, attempt, options))
  for await (const set of found) if (set) yield set
}

/** The set that an attempt is; undefined when it is none. */
export async function foundIn(store: Store, attempt: AttemptObjects, options: Options): Promise<FoundSet | undefined> {
  const { place, objects } = attempt
  const key = manifestKeyOf(place)
  if (!objects.has(MANIFEST) || objects.has(TOMBSTONE)) return undefined
  try {
    const manifest = await readManifest(store, key, options)
    checkPresent(manifest, key, objects)
    return { key, manifest }
  } catch (error) {
    // Removed between the listing and the reading.
    if (Fault.is(error, 'not_found')) return undefined
    if (Fault.is(error, 'store_corrupt') || Fault.is(error, 'too_new')) return { key, fault: error }
    throw error
  }
}

function checkPresent(manifest: Manifest, key: string, objects: ReadonlyMap<string, ObjectInfo>): void {
  for (const object of objectsOf(manifest)) {
    const info = objects.get(object.key.slice(key.length - MANIFEST.length))
    if (info?.size === object.size) continue
    const state = info ? `has ${info.size} bytes, not ${object.size}` : 'is missing'
    throw new Fault('store_corrupt', `read ${key}: its part ${object.name} (${object.key}) ${state}`)
  }
}
