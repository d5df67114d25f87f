import { setTimeout as wait } from 'node:timers/promises'

/** A point in time: Unix milliseconds. The catalog, the manifest and the code all keep moments so; only edges format them. */
export type Moment = number

/** The only source of time. Nothing else in the program reads the wall clock. */
export interface Clock {
  now(): Moment
  /** Milliseconds from an arbitrary origin that never go back: for durations and rates. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

interface Sleeper {
  readonly due: Moment
  readonly wake: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: Moment
  readonly #sleepers = new Set<Sleeper>()

  constructor(start: string) {
    this.#now = Date.parse(start)
  }

  now(): Moment {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  /** How many sleeps are still waiting. */
  get sleepers(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        due: this.#now + ms,
        wake: () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  /** Moves time on by `ms` and wakes every sleep that is due, in order. */
  advance(ms: number): void {
    this.#now += ms
    const due = [...this.#sleepers].filter((sleeper) => sleeper.due <= this.#now).toSorted((a, b) => a.due - b.due)
    for (const sleeper of due) {
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}
