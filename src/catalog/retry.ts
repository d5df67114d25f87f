import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'

/** What an error of the database means for whoever got it: it may pass by itself, or it is told in our words. */
export type Judge = (error: unknown) => 'passing' | Error

const PATIENCE_MS = 30_000
/** Another user of the file in this process is through as soon as everybody had a turn, whatever the clock says. */
const TURNS = 3
const LONGEST_WAIT_MS = 50

/**
 * Does `work`, again from its start when what failed it is passing: another writer was in the way. Waits between, longer each
 * time and never alike, by the clock and without holding up anybody. Fault 'catalog_unavailable' after half a minute.
 */
export async function retried<T>(clock: Clock, judge: Judge, work: () => Promise<T> | T): Promise<T> {
  const startedAt = clock.monotonic()
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const meaning = judge(error)
      if (meaning !== 'passing') throw meaning
      if (clock.monotonic() - startedAt > PATIENCE_MS) {
        throw new Fault('catalog_unavailable', 'wait for another writer of the catalog', {
          cause: error,
          hint: 'Look for a process that keeps the catalog locked.',
        })
      }
      if (tries <= TURNS) await new Promise((resolve) => setImmediate(resolve))
      else await clock.sleep(Math.min(2 ** (tries - TURNS), LONGEST_WAIT_MS) * (0.5 + Math.random()))
    }
  }
}
