import { Fault, FAULTS } from '../core/fault.ts'
import { triesOf, type Lease, type Task, type TaskKind } from '../core/task.ts'
import { createPace, type Pace } from '../lib/pace.ts'
import type { Log } from '../lib/log.ts'
import { drill } from './drill.ts'
import { clone } from './clone.ts'
import { expire } from './expire.ts'
import { reasonOnNode } from './failed-node.ts'
import { failedSet } from './failed-set.ts'
import { holdLease, type HeldLease } from './lease.ts'
import { release } from './release.ts'
import { restore } from './restore.ts'
import { retain } from './retain.ts'
import { sweep } from './sweep.ts'
import { takeBackup } from './take-backup.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'
import { verify } from './verify.ts'

const STORIES: Readonly<Record<TaskKind, Story>> = {
  'take-backup': takeBackup,
  verify,
  drill,
  restore,
  clone,
  release,
  expire,
  retain,
  sweep,
}

/** Does a claimed task to its end, or gives it back. Never throws for what a task can meet; `hurry` makes it give back at once. */
export async function doTask(task: Task, deps: WorkerDeps, hurry: AbortSignal): Promise<void> {
  const { catalog, clock, name, settings } = deps
  const log = deps.log.child({ task: task.id, kind: task.kind, attempt: task.attempt })
  const lease = { taskId: task.id, attempt: task.attempt, worker: name }
  const pace = createPace(clock)
  const leaseMs = settings.leaseSeconds * 1000
  const held = holdLease(lease, { catalog, clock, log, leaseMs, onShare: (share) => pace.setRate(share) }, hurry)
  const run = runOf(task, lease, held, pace)
  const startedAt = clock.monotonic()
  log.info({ instance: task.instanceId, set: task.setId }, 'task started')
  try {
    await STORIES[task.kind](run, deps)
    await held.stop()
    log.info({ seconds: seconds(clock.monotonic() - startedAt) }, 'task finished')
  } catch (error) {
    await held.stop()
    const why: unknown = held.signal.aborted ? held.signal.reason : error
    await settle(why, run, deps, log, hurry).catch((cause: unknown) => {
      log.error({ err: cause }, 'end of the task not written: its lease will end, and it will be claimed again')
    })
  }
}

function runOf(task: Task, lease: Lease, { signal, report, renew }: HeldLease, pace: Pace): TaskRun {
  let nodeId: string | undefined
  return {
    task,
    lease,
    signal,
    report,
    renew,
    pace,
    reached: (id) => {
      nodeId = id
    },
    get nodeId() {
      return nodeId
    },
  }
}

const seconds = (ms: number) => Math.round(ms) / 1000

/** Writes what a failure means for the task: given back, tried again later, cancelled, or failed for good. */
async function settle(why: unknown, run: TaskRun, deps: WorkerDeps, log: Log, hurry: AbortSignal): Promise<void> {
  const { catalog, settings } = deps
  const reason = describeFailure(why)
  if (Fault.is(why, 'lease_lost')) {
    log.warn({ reason }, 'task lost: another worker may have it')
  } else if (hurry.aborted) {
    await catalog.releaseTask(run.lease, reason, 0, { stopped: true })
    log.info('task given back')
  } else if (Fault.is(why, 'cancelled')) {
    await catalog.failTask(run.lease, reason, { state: 'cancelled' })
    log.info('task cancelled')
  } else if (mayRetry(why, run.task, settings.attempts)) {
    const delayMs = backOff(settings.retrySeconds * 1000, triesOf(run.task))
    await catalog.releaseTask(run.lease, reasonOnNode(run.nodeId, reason), delayMs)
    log.warn({ reason, retryAfterSeconds: seconds(delayMs) }, 'task failed, will be tried again')
  } else {
    await catalog.failTask(run.lease, reason, { state: 'failed', failedSet: await failedSet(run, deps, reason) })
    log.error({ reason, ...(why instanceof Fault ? {} : { err: why }) }, 'task failed')
  }
}

/**
 * A removal is tried for ever: its set is hidden already, and giving up would leave its bytes behind. A restore is tried once:
 * what it wrote keeps another attempt out of its target, and would hide the reason.
 */
function mayRetry(why: unknown, task: Task, attempts: number): boolean {
  const passing = why instanceof Fault && FAULTS[why.code].retry
  if (task.kind === 'expire' || task.kind === 'release') return passing || !(why instanceof Fault)
  return passing && task.kind !== 'restore' && triesOf(task) < attempts
}

const LONGEST_BACK_OFF_MS = 300_000

const backOff = (firstMs: number, tries: number) =>
  Math.min(LONGEST_BACK_OFF_MS, firstMs * 2 ** Math.min(tries - 1, 16))

/** A failure in plain words for the task's reason. What is no Fault is a bug: its text stays in the log. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Fault)) return 'internal error, see the log of the worker'
  return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`
}
