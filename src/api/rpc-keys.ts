import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../lib/clock.ts'

/** The secrets of access keys, as the front door reads them. */
export interface KeyRing {
  /** Undefined for a key that does not exist. */
  secretOf(keyId: string): Promise<string | undefined> | string
  /** Reads every secret from the catalog again. */
  forget(): void
}

/** How long a key that was deleted by another process may still be taken here. */
export const KEY_MEMORY_MS = 1000

/** Keys in use at once are few; more than this is somebody's mistake, and costs nothing but look-ups. */
const MOST_KEYS = 10_000

/** Remembers a secret for one second, so that a busy key costs one look-up a second. A key that is not there is always looked up. */
export function createKeyRing(catalog: Pick<Catalog, 'keySecret'>, clock: Clock): KeyRing {
  const known = new Map<string, { readonly secret: string; readonly until: number }>()

  const read = async (keyId: string) => {
    const until = clock.monotonic() + KEY_MEMORY_MS
    const secret = await catalog.keySecret(keyId)
    if (secret === undefined) known.delete(keyId)
    else {
      if (known.size >= MOST_KEYS) known.clear()
      known.set(keyId, { secret, until })
    }
    return secret
  }

  return {
    secretOf(keyId) {
      const found = known.get(keyId)
      return found !== undefined && clock.monotonic() < found.until ? found.secret : read(keyId)
    },
    forget: () => known.clear(),
  }
}
