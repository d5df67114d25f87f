import type { Clock } from './clock.ts'

/** Keeps a flow of bytes to a rate that may change while it flows. */
export interface Pace {
  /** Bytes a second; none for as fast as it goes. */
  setRate(rate: number | undefined): void
  /** Lets nothing through until the same reason is lifted again. */
  hold(reason: string): void
  lift(reason: string): void
  /** Whether somebody is kept waiting now, by the rate or a hold: what flows is slow on purpose. */
  readonly waiting: boolean
  /** Resolves when `bytes` more may flow. Callers get their turn in the order of their calls. Rejects with the signal's reason. */
  take(bytes: number, signal?: AbortSignal): Promise<void>
}

/** What may be saved up while nothing flows: so much of a second. */
const BURST_SECONDS = 0.25
/** A new rate is noticed so late by whoever waits at most. */
const LOOK_MS = 250

/**
 * A token bucket. Each piece passes whole as soon as the bucket is not in debt, and puts it there: over any time no more than the
 * rate allows flows, but for a quarter of a second's worth and one piece. Keeps nothing but numbers.
 */
export function createPace(clock: Clock): Pace {
  const holds = new Set<string>()
  let rate: number | undefined
  let balance = 0
  let filledAt = clock.monotonic()
  let waiters = 0
  let last: Promise<void> = Promise.resolve()

  const fill = () => {
    const now = clock.monotonic()
    if (rate !== undefined) balance = Math.min(rate * BURST_SECONDS, balance + (rate * (now - filledAt)) / 1000)
    filledAt = now
  }
  const msToGo = (): number => {
    if (holds.size > 0) return LOOK_MS
    if (rate === undefined || balance >= 0) return 0
    return Math.max(1, Math.min(LOOK_MS, Math.ceil((-balance / rate) * 1000)))
  }
  const turn = async (bytes: number, signal: AbortSignal | undefined) => {
    for (;;) {
      signal?.throwIfAborted()
      fill()
      const ms = msToGo()
      if (ms === 0) break
      await clock.sleep(ms, signal)
    }
    if (rate !== undefined) balance -= bytes
  }

  return {
    setRate(next) {
      fill()
      if (next === undefined || rate === undefined) balance = 0
      rate = next
    },
    hold: (reason) => void holds.add(reason),
    lift: (reason) => void holds.delete(reason),
    get waiting() {
      return waiters > 0
    },
    async take(bytes, signal) {
      if (holds.size === 0 && rate === undefined && waiters === 0) return
      waiters++
      const before = last
      const mine = before.then(() => turn(bytes, signal))
      last = mine.catch(() => {})
      try {
        await mine
      } finally {
        waiters--
      }
    },
  }
}
