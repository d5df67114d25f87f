import type { Catalog } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

export interface SchedulerDeps {
  readonly catalog: Pick<Catalog, 'ensureTask'>
  readonly clock: Clock
  readonly log: Log
  readonly sweepSeconds: number
  readonly retainSeconds: number
  /** Tells the workers that a task waits. Losing it loses nothing. */
  readonly wake: () => void
}

/** Makes the tasks that come again and again, until `signal` aborts. Any number of schedulers make each task once. */
export async function runScheduler(deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    repeat('sweep', deps.sweepSeconds, deps, signal),
    repeat('retain', deps.retainSeconds, deps, signal),
  ])
}

async function repeat(kind: 'sweep' | 'retain', everySeconds: number, deps: SchedulerDeps, signal: AbortSignal) {
  const { catalog, clock, log, wake } = deps
  while (!signal.aborted) {
    try {
      if (await catalog.ensureTask({ kind, request: {} })) wake()
    } catch (error) {
      if (!Fault.is(error, 'catalog_unavailable')) throw error
      log.warn({ err: error.message, kind }, 'no such task asked for: the catalog does not answer')
    }
    await clock.sleep(everySeconds * 1000, signal).catch(() => {})
  }
}
