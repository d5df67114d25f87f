import type { Clock } from '../lib/clock.ts'

/** Lets each key make so many calls a second. */
export interface Throttle {
  /** Whether a call of this key may be made now; counts it if so. */
  take(keyId: string): boolean
}

/** More keys than this are remembered by nobody: the oldest begin anew, with a full measure. */
const MOST_KEYS = 10_000

/**
 * A measure for each key that fills by `perSecond` calls a second up to `burst`, in this process. With `perSecond` 0 every call
 * may be made.
 */
export function createThrottle({ perSecond, burst }: { perSecond: number; burst: number }, clock: Clock): Throttle {
  if (perSecond === 0) return { take: () => true }
  const measures = new Map<string, { left: number; at: number }>()
  const full = Math.max(1, burst)
  return {
    take(keyId) {
      const now = clock.monotonic()
      const known = measures.get(keyId)
      const left = known ? Math.min(full, known.left + ((now - known.at) / 1000) * perSecond) : full
      if (!known && measures.size >= MOST_KEYS) measures.delete(measures.keys().next().value ?? '')
      const may = left >= 1
      measures.set(keyId, { left: may ? left - 1 : left, at: now })
      return may
    },
  }
}
