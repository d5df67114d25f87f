import type { Manifest } from '../core/manifest.ts'
import type { Identity } from '../lib/age.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { openSet } from './read.ts'

/**
 * Whether one of the identities still opens a set: reads the beginning and the end of each part, which a wrong identity, a missing last
 * chunk and a lost header keep from being read. Resolves when it does; else Fault 'identity_needed' or 'store_corrupt'.
 */
export async function tryOpen(
  store: Store,
  manifest: Manifest,
  identities: readonly Identity[],
  options: Options = {},
): Promise<void> {
  const set = openSet(store, manifest, identities)
  for (const { name, plainSize } of manifest.parts) {
    for (const start of new Set([0, Math.max(0, plainSize - 1)])) {
      for await (const _ of set.read(name, { start, end: start + 1 }, options)) options.signal?.throwIfAborted()
    }
  }
}
