import { Fault } from '../core/fault.ts'
import { TASK_KINDS, type Task } from '../core/task.ts'
import { createBell } from './bell.ts'
import { doTask } from './do-task.ts'
import type { WorkerDeps } from './task-run.ts'

/** How often a worker tells the catalog that it lives. */
export const BEAT_MS = 5000

/** A worker that is at work. */
export interface RunningWorker {
  /** Looks for a task now instead of at the next poll. */
  wake(): void
  /** Resolves when the worker has stopped, with every task ended or given back. Rejects when it could not go on. */
  readonly done: Promise<void>
}

/**
 * Claims tasks and does them, a few at once. When `signal` aborts it claims no more, lets what runs go on for `stopSeconds`,
 * and gives back what has not ended by then.
 */
export function runWorker(deps: WorkerDeps, signal: AbortSignal): RunningWorker {
  const hurry = new AbortController()
  const slots = Array.from({ length: deps.settings.concurrency }, () => {
    const bell = createBell(deps.clock)
    return { bell, done: claimLoop(deps, bell.wait, signal, hurry.signal) }
  })
  const working = Promise.all(slots.map((slot) => slot.done))
  const ended = new AbortController()
  const done = working
    .then(() => {})
    .finally(() => {
      ended.abort()
    })
  void hurryAfterStop(deps, signal, hurry, ended.signal)
  void beat(deps, AbortSignal.any([signal, ended.signal]))
  return { wake: () => slots.forEach((slot) => slot.bell.ring()), done }
}

async function claimLoop(
  deps: WorkerDeps,
  wait: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  hurry: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const task = await claim(deps)
    if (task) await doTask(task, deps, hurry)
    else await wait(deps.settings.pollSeconds * 1000, signal).catch(() => {})
  }
}

/** What a worker does that has no place for clones: those are on the machine of another one. */
const WITHOUT_CLONES = TASK_KINDS.filter((kind) => kind !== 'clone' && kind !== 'release')

/** The next task; none when there is none or the catalog does not answer: both mean to look again later. */
async function claim({ catalog, name, settings, limits, clones, log }: WorkerDeps): Promise<Task | undefined> {
  try {
    return await catalog.claimTask(
      name,
      clones === undefined ? WITHOUT_CLONES : TASK_KINDS,
      settings.leaseSeconds * 1000,
      limits,
    )
  } catch (error) {
    if (!Fault.is(error, 'catalog_unavailable')) throw error
    log.warn({ err: error.message }, 'no task claimed: the catalog does not answer')
    return undefined
  }
}

async function hurryAfterStop(deps: WorkerDeps, stop: AbortSignal, hurry: AbortController, ended: AbortSignal) {
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => resolve(), { once: true })
  })
  await deps.clock.sleep(deps.settings.stopSeconds * 1000, ended).catch(() => {})
  hurry.abort(new Fault('service_unavailable', 'the worker was stopped'))
}

async function beat({ catalog, clock, name, log }: WorkerDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await catalog.beat(name).catch((error: Error) => log.warn({ err: error.message }, 'no beat written'))
    await clock.sleep(BEAT_MS, signal).catch(() => {})
  }
}
