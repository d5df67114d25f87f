import type { Catalog } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

export interface SchedulerDeps {
  readonly catalog: Pick<Catalog, 'ensureTask'>
  readonly clock: Clock
  readonly log: Log
  readonly sweepSeconds: number
  /** Tells the workers that a task waits. Losing it loses nothing. */
  readonly wake: () => void
}

/** Makes the tasks that the clock asks for, until `signal` aborts. Any number of schedulers make each task once. */
export async function runScheduler(deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  const { catalog, clock, log, sweepSeconds, wake } = deps
  while (!signal.aborted) {
    try {
      if (await catalog.ensureTask({ kind: 'sweep', request: {} })) wake()
    } catch (error) {
      if (!Fault.is(error, 'catalog_unavailable')) throw error
      log.warn({ err: error.message }, 'no sweep asked for: the catalog does not answer')
    }
    await clock.sleep(sweepSeconds * 1000, signal).catch(() => {})
  }
}
