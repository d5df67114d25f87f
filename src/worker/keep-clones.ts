import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import type { Task } from '../core/task.ts'
import { lockDirectory, type DirectoryLock } from '../lib/lock.ts'
import { ownerOfPlace, type Cloned } from './clone-place.ts'
import type { WorkerDeps } from './task-run.ts'

export type KeepDeps = Pick<WorkerDeps, 'catalog' | 'engineOf' | 'clock' | 'log' | 'restore'> & {
  readonly clones: string
  readonly lookSeconds: number
}

/**
 * Looks after the clones of this machine until `signal` aborts: starts what should run and does not, as after a restart of the
 * machine, and removes what attempts of dead workers left. Of several workers with one directory, one does it.
 */
export async function keepClones(deps: KeepDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, clones, lookSeconds } = deps
  let lock: DirectoryLock | undefined
  try {
    while (!signal.aborted) {
      try {
        lock ??= await lockOf(clones)
        if (lock) await lookAfterClones(deps, signal)
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, directory: clones }, 'clones not looked after, trying again')
      }
      await clock.sleep(lookSeconds * 1000, signal).catch(() => {})
    }
  } finally {
    lock?.release()
  }
}

/** The lock, which is a directory of its own since that of clones is open to the database's user; undefined when another worker has it. */
async function lockOf(clones: string): Promise<DirectoryLock | undefined> {
  if (!(await readdir(clones).catch(() => undefined))) return undefined
  try {
    return await lockDirectory(join(clones, '.holdfast-lock'), (message) => new Fault('locked', message))
  } catch (error) {
    if (Fault.is(error, 'locked')) return undefined
    throw error
  }
}

/** Looks once at every place below the directory of clones. What goes wrong with one is logged, and keeps no other waiting. */
export async function lookAfterClones(deps: KeepDeps, signal: AbortSignal): Promise<void> {
  const { clones, log } = deps
  for (const name of await readdir(clones)) {
    const owner = ownerOfPlace(name)
    if (owner === undefined) continue
    const directory = join(clones, name)
    await lookAfter({ ...owner, directory }, deps, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      log.error({ err: error, instance: owner.instanceId, directory }, 'clone not looked after')
    })
  }
}

interface Place {
  readonly directory: string
  readonly instanceId: string
  readonly taskId: string
  readonly attempt: number
}

async function lookAfter(place: Place, deps: KeepDeps, signal: AbortSignal): Promise<void> {
  const { catalog, engineOf, log, restore } = deps
  const { directory, instanceId, taskId } = place
  const task = await catalog.task(taskId)
  const instance = await catalog.instance(instanceId)
  // One that this catalog does not know is somebody's own.
  if (!instance || task?.kind !== 'clone' || task.instanceId !== instanceId) return
  const engine = engineOf(instance.engine)
  const fate = await fateOf(task, place, instance, deps)
  if (fate === 'dead') {
    await engine.clear(directory)
    log.info({ instance: instanceId, directory }, 'what a clone left was removed')
  } else if (fate === 'runs') {
    const { started } = await engine.start(task.result as Cloned, { owner: restore.owner, signal })
    if (started) log.info({ instance: instanceId, directory }, 'clone started again')
  }
}

type Fate = 'runs' | 'dead' | 'left alone'

/** What becomes of a place. That of an instance that was deregistered, and not released, is somebody's own now. */
async function fateOf(
  task: Task,
  { instanceId, attempt }: Place,
  { deregisteredAt }: Instance,
  { catalog }: KeepDeps,
): Promise<Fate> {
  if (task.attempt !== attempt) return 'dead'
  if (task.state === 'running') return 'left alone'
  if (task.state !== 'finished') return 'dead'
  const releases = await catalog.tasks({ instanceId, kind: 'release' })
  if (releases.some(({ state }) => state === 'waiting' || state === 'running')) return 'left alone'
  if (releases.some(({ state }) => state === 'finished')) return 'dead'
  return deregisteredAt === undefined ? 'runs' : 'left alone'
}
