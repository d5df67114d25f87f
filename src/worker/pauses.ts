import type { Phase, Progress } from '../core/task.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { isoSeconds } from '../lib/time.ts'
import type { TaskRun } from './task-run.ts'

/** Something that a task waits for beside its own work. */
export interface Pause {
  /** It waits from now on, and why; again with another reason while it does. */
  begin(why: string): void
  end(): void
}

/** Tells, in the task and in the log, what a task waits for. */
export interface Pauses {
  /** Notes how far the task is, as `TaskRun.report` does, with what it waits for. */
  readonly report: (progress: Progress) => void
  /** One thing to wait for. `what` stands after 'waits'. */
  of(phase: Phase, what: string): Pause
}

interface Lasting {
  readonly phase: Phase
  readonly what: string
  readonly since: number
  why: string
}

export function createPauses(run: TaskRun, { clock, log }: { clock: Clock; log: Log }): Pauses {
  const lasting: Lasting[] = []
  let last: Progress = run.task.progress

  const report = (progress: Progress) => {
    last = progress
    const [first] = lasting
    // What an earlier attempt failed with is told again when nothing is waited for any more.
    run.report(
      first ? { ...progress, phase: first.phase, note: textOf(first) } : { ...progress, note: run.task.reason },
    )
  }

  return {
    report,
    of(phase, what) {
      let own: Lasting | undefined
      return {
        begin(why) {
          if (own?.why === why) return
          if (own) own.why = why
          else {
            lasting.push((own = { phase, what, since: clock.now(), why }))
            log.warn({ phase, why }, `task waits ${what}`)
          }
          report(last)
        },
        end() {
          if (!own) return
          lasting.splice(lasting.indexOf(own), 1)
          log.info({ phase, seconds: (clock.now() - own.since) / 1000 }, `task waits no more ${what}`)
          own = undefined
          report(last)
        },
      }
    },
  }
}

const textOf = ({ what, since, why }: Lasting) => `waits ${what} since ${isoSeconds(since)}: ${why}`
