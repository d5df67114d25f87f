import { type Clock, systemClock } from '../../src/lib/clock.ts'

/** The system's clock, put forward by hand: whoever uses it lives after every lease that others hold. */
export interface ShiftedClock extends Clock {
  advance(ms: number): void
}

export function shiftedClock(): ShiftedClock {
  let ahead = 0
  return {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    advance: (ms) => {
      ahead += ms
    },
  }
}
