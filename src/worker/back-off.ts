import { createBackOff } from '../core/back-off.ts'
import { BACK_OFF_SECONDS, type Instance } from '../core/instance.ts'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../lib/clock.ts'
import type { Pace } from '../lib/pace.ts'
import type { Pause } from './pauses.ts'

/** How often the database is judged. */
const LOOK_MS = 1000

const HOLD = 'back-off'

export interface BackOffDeps {
  readonly engine: Engine
  readonly pace: Pace
  readonly pause: Pause
  readonly clock: Clock
}

/** Lets a busy database be while a backup of it runs. Ends with the backup. */
export interface RunningBackOff extends AsyncDisposable {
  /** What there is to tell with the set. */
  readonly warnings: readonly string[]
}

/** Holds the flow of a backup back while its instance is above the limits that its settings give; does nothing without limits. */
export function startBackOff(
  { settings, nodes }: Instance,
  { engine, pace, pause, clock }: BackOffDeps,
): RunningBackOff {
  const limits = {
    lagSeconds: settings.backOffLagSeconds ?? 0,
    commitMs: settings.backOffCommitMs ?? 0,
    maxSeconds: settings.backOffMaxSeconds ?? BACK_OFF_SECONDS,
  }
  if (limits.lagSeconds === 0 && limits.commitMs === 0) return { warnings: [], [Symbol.asyncDispose]: async () => {} }
  const warnings: string[] = []
  const over = new AbortController()
  const watch = async () => {
    await using load = engine.watchLoad(nodes.map(({ address }) => address))
    const backOff = createBackOff(limits)
    while (!over.signal.aborted) {
      const why = backOff.judge(load.latest(), clock.monotonic())
      if (why === undefined) {
        pace.lift(HOLD)
        pause.end()
      } else {
        pace.hold(HOLD)
        pause.begin(why)
      }
      if (backOff.spent) {
        warnings.push(`the backup let its busy database be for ${limits.maxSeconds} s in all, and then no more`)
        return
      }
      await clock.sleep(LOOK_MS, over.signal).catch(() => {})
    }
  }
  const watched = watch()
  return {
    warnings,
    async [Symbol.asyncDispose]() {
      over.abort()
      await watched
      pace.lift(HOLD)
      pause.end()
    },
  }
}
