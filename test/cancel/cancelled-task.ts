import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { databaseAccount } from '../../quickstart/account.ts'
import { Fault } from '../../src/core/fault.ts'
import { TASK_KINDS, type Task } from '../../src/core/task.ts'
import { silentLog } from '../../src/lib/log.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { engineOf, LEASE_SECONDS, placesOf, workerDeps } from '../crash/scene-parts.ts'
import type { Scene } from '../crash/scene.ts'
import { hurriedClock, steppingCatalog, steppingStore } from './stepping.ts'

export type Kind = 'physical' | 'logical' | 'verify' | 'restore' | 'drill'

/** How much faster a lease's seconds pass. */
const FACTOR = 500
/** More than a renewal takes at that pace. */
const HEARD_MS = 60

export interface Round {
  readonly task: Task
  /** Every step it came to, in order. */
  readonly steps: readonly string[]
}

const TO = 'here'

/** The directory of a scene that its restores go into. */
export const targetOf = (scene: Scene): string => join(placesOf(scene.directory).restored, TO)

/** Does a task of this kind in a scene, and cancels it at step `at` when that is given. */
export async function cancelledAt(scene: Scene, kind: Kind, at?: number): Promise<Round> {
  await rm(targetOf(scene), { recursive: true, force: true })
  const task = await scene.catalog.addTask(newTask(scene, kind))
  const steps: string[] = []
  const heard = Promise.withResolvers<void>()
  const step = async (name: string) => {
    if (steps.push(name) - 1 !== at) return
    await scene.catalog.cancelTask(task.id).catch((error: unknown) => {
      if (!Fault.is(error, 'conflict')) throw error
    })
    await Promise.race([heard.promise, wait(HEARD_MS)])
    await wait(1)
  }
  const plain = workerDeps(scene.directory, `cancelled-${task.id}`, {
    catalog: steppingCatalog(scene.catalog, step, heard.resolve),
    store: steppingStore(scene.store, step),
    engine: await engineOf(scene, scene.clock, (bytes) => step(`engine gives byte ${bytes}`)),
    clock: hurriedClock(scene.clock, FACTOR),
    log: silentLog,
  })
  // PostgreSQL does not run as root, as which tests may.
  const deps = { ...plain, restore: { ...plain.restore, owner: await databaseAccount() } }
  const claimed = await deps.catalog.claimTask(deps.name, TASK_KINDS, LEASE_SECONDS * 1000)
  if (claimed?.id !== task.id) throw new Error(`claimed task ${claimed?.id} instead of ${task.id}`)
  await doTask(claimed, deps, new AbortController().signal)
  const ended = await scene.catalog.task(task.id)
  if (!ended) throw new Error('the task is gone')
  return { task: ended, steps }
}

function newTask(scene: Scene, kind: Kind) {
  const { instanceId, expected } = scene
  const [setId = ''] = expected
  switch (kind) {
    case 'physical':
    case 'logical': {
      const method = kind === 'physical' ? 'Physical' : 'Logical'
      return { kind: 'take-backup', instanceId, request: { mode: 'Manual', type: 'FullBackup', method } } as const
    }
    default:
      return { kind, instanceId, setId, request: kind === 'restore' ? { to: targetOf(scene) } : {} } as const
  }
}
