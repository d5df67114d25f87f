import type { Catalog } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Lease, Progress } from '../core/task.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

/** A lease that is kept alive in the background while a task is done. */
export interface HeldLease {
  /** Aborts with Fault 'lease_lost' or 'cancelled', or with the reason of the outer signal. */
  readonly signal: AbortSignal
  /** Notes how far the task is. It reaches the catalog about once a second. */
  readonly report: (progress: Progress) => void
  /** Makes sure now that the lease is still ours: Fault 'lease_lost' when it is not, 'cancelled' when the task shall end. */
  readonly renew: () => Promise<void>
  /** Ends the renewing. The lease itself ends by the task's own last write, or by the clock. */
  readonly stop: () => Promise<void>
}

export interface LeaseDeps {
  readonly catalog: Pick<Catalog, 'renewTask'>
  readonly clock: Clock
  readonly log: Log
  readonly leaseMs: number
  /** Told after each renewal how many bytes a second the task may put into the store; undefined for as many as it can. */
  readonly onShare?: ((bytesPerSecond: number | undefined) => void) | undefined
}

const PROGRESS_MS = 1000
/** The answer to a renewal tells whether the task was cancelled: so late is a cancel heard at most. */
const HEAR_MS = 3000

/**
 * Starts renewing `lease`, every few seconds or at a third of its length. The lease counts as lost when no renewal came through for
 * its whole length.
 */
export function holdLease(lease: Lease, deps: LeaseDeps, outer: AbortSignal): HeldLease {
  const { catalog, clock, log, leaseMs } = deps
  const lost = new AbortController()
  const ended = new AbortController()
  let renewedAt = clock.monotonic()
  const everyMs = Math.min(HEAR_MS, leaseMs / 3)
  let unwritten: Progress | undefined

  const renew = async () => {
    const progress = unwritten
    const askedAt = clock.monotonic()
    const { cancelAsked, bytesPerSecond } = await catalog.renewTask(lease, leaseMs, progress)
    renewedAt = askedAt
    deps.onShare?.(bytesPerSecond)
    if (unwritten === progress) unwritten = undefined
    if (cancelAsked) throw new Fault('cancelled', `task ${lease.taskId} was cancelled`)
  }

  const renewOrTryAgain = async () => {
    try {
      await renew()
    } catch (error) {
      const over = clock.monotonic() - renewedAt >= leaseMs
      if (!Fault.is(error, 'catalog_unavailable')) lost.abort(error)
      else if (over) lost.abort(new Fault('lease_lost', `renew the lease of task ${lease.taskId}`, { cause: error }))
      else log.warn({ task: lease.taskId, err: error.message }, 'lease not renewed, trying again')
    }
  }

  const keep = async () => {
    while (!ended.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(Math.min(PROGRESS_MS, everyMs), ended.signal).catch(() => {})
      const due = unwritten !== undefined || clock.monotonic() - renewedAt >= everyMs
      if (due && !ended.signal.aborted) await renewOrTryAgain()
    }
  }
  const kept = keep()

  return {
    signal: AbortSignal.any([lost.signal, outer]),
    report: (progress) => {
      unwritten = progress
    },
    renew,
    stop: async () => {
      ended.abort()
      await kept
    },
  }
}
