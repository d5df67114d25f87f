import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineKind } from '../core/instance.ts'
import { Fault } from '../core/fault.ts'
import type { Task } from '../core/task.ts'
import type { WorkerDeps } from './task-run.ts'

const NAME = /^holdfast-drill-([a-z]+)-(\d+)-(\d+)$/

/** The place of one attempt at a drill in the scratch directory, which is made if need be. */
export async function scratchOf({ id, attempt }: Task, kind: EngineKind, scratch: string): Promise<string> {
  try {
    // The database's user, who need not be ours, goes through it.
    await mkdir(scratch, { recursive: true, mode: 0o711 })
  } catch (cause) {
    throw new Fault('forbidden', `make the scratch directory ${scratch}: ${(cause as Error).message}`, {
      hint: 'Set drills.directory to one that Holdfast may write.',
      cause,
    })
  }
  return join(scratch, `holdfast-drill-${kind}-${id}-${attempt}`)
}

/**
 * Ends and removes what drills of dead workers left on this machine. What is of no drill in our catalog may be that of another service, with a
 * server of its at work in it: it is said, and left alone.
 */
export async function clearScratch({ catalog, scratch, engineOf, log }: WorkerDeps): Promise<void> {
  for (const name of await readdir(scratch).catch(() => [])) {
    const [, kind, id = '', attempt] = NAME.exec(name) ?? []
    if (kind === undefined) continue
    const task = await catalog.task(id)
    if (task?.kind !== 'drill') {
      log.warn(
        { directory: join(scratch, name) },
        'left alone, being of no drill that this service knows: remove it by hand',
      )
      continue
    }
    if (task.state === 'running' && task.attempt === Number(attempt)) continue
    await engineOf(kind as EngineKind).clear(join(scratch, name))
    log.info({ directory: join(scratch, name) }, 'what a drill left was removed')
  }
}
