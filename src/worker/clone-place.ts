import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Task } from '../core/task.ts'
import type { Restored } from '../engine/engine.ts'

/** What a finished clone is: where all of it lies on the worker's machine, and how it is started again. Kept as the task's result. */
export interface Cloned extends Restored {
  readonly directory: string
}

/** Names the instance, so that a place is never taken for that of another service's task. */
const NAME = /^holdfast-clone-([\w-]+)-(\d+)-(\d+)$/

/** The place of one attempt at a clone below `clones`, which is made if need be. */
export async function clonePlace(task: Task, clones: string): Promise<string> {
  try {
    // The database's user, who need not be ours, goes through it.
    await mkdir(clones, { recursive: true, mode: 0o711 })
  } catch (cause) {
    throw new Fault('forbidden', `make the directory of clones ${clones}: ${(cause as Error).message}`, {
      hint: 'Set clones.directory to one that Holdfast may write.',
      cause,
    })
  }
  return join(clones, `holdfast-clone-${task.instanceId ?? ''}-${task.id}-${task.attempt}`)
}

/** Whose place a name below the directory of clones is; undefined for what is none. */
export function ownerOfPlace(name: string): { instanceId: string; taskId: string; attempt: number } | undefined {
  const [, instanceId, taskId, attempt] = NAME.exec(name) ?? []
  if (instanceId === undefined || taskId === undefined) return undefined
  return { instanceId, taskId, attempt: Number(attempt) }
}
