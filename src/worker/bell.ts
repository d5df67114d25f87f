import type { Clock } from '../lib/clock.ts'

/** Lets a loop sleep until its poll is due or somebody rings. A ring between two waits is not lost. */
export interface Bell {
  readonly ring: () => void
  /** Resolves after `ms` or at the next ring; rejects with the signal's reason when that aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** A bell for one waiting loop. */
export function createBell(clock: Clock): Bell {
  let rung = false
  let wake: AbortController | undefined
  return {
    ring() {
      rung = true
      wake?.abort()
    },
    async wait(ms, signal) {
      if (!rung) {
        wake = new AbortController()
        const woken = wake.signal
        await clock.sleep(ms, AbortSignal.any([signal, woken])).catch((error: unknown) => {
          if (!woken.aborted) throw error
        })
      }
      signal.throwIfAborted()
      rung = false
    },
  }
}
