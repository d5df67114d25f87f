import type { Catalog } from '../catalog/catalog.ts'
import type { SigningKey } from '../catalog/keys.ts'
import type { Clock } from '../lib/clock.ts'

/** Access keys as the front door reads them. */
export interface KeyRing {
  /** Undefined for a key that does not exist. */
  find(keyId: string): Promise<SigningKey | undefined> | SigningKey
  /** Reads every key from the catalog again. */
  forget(): void
}

/** How long a key that was deleted or changed by another process may still be taken here as it was. */
export const KEY_MEMORY_MS = 1000

/** Keys in use at once are few; more than this is somebody's mistake, and costs nothing but look-ups. */
const MOST_KEYS = 10_000

/** Remembers a key for one second, so that a busy one costs one look-up a second. A key that is not there is always looked up. */
export function createKeyRing(catalog: Pick<Catalog, 'signingKey'>, clock: Clock): KeyRing {
  const known = new Map<string, { readonly key: SigningKey; readonly until: number }>()

  const read = async (keyId: string) => {
    const until = clock.monotonic() + KEY_MEMORY_MS
    const key = await catalog.signingKey(keyId)
    if (key === undefined) known.delete(keyId)
    else {
      if (known.size >= MOST_KEYS) known.clear()
      known.set(keyId, { key, until })
    }
    return key
  }

  return {
    find(keyId) {
      const found = known.get(keyId)
      return found !== undefined && clock.monotonic() < found.until ? found.key : read(keyId)
    },
    forget: () => known.clear(),
  }
}
