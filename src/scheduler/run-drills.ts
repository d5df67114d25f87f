import type { Catalog } from '../catalog/catalog.ts'
import type { RegisteredPolicy } from '../catalog/policy-rows.ts'
import { drillDue } from '../core/drill-due.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

export interface DrillSchedulerDeps {
  readonly catalog: Pick<Catalog, 'drilled' | 'drillStanding' | 'addDrill'>
  readonly clock: Clock
  readonly log: Log
  readonly pollSeconds: number
  /** Tells the workers that a task waits. Losing it loses nothing. */
  readonly wake: () => void
}

/**
 * Makes the drills that policies ask for, until `signal` aborts. Any number of schedulers make each once. A catalog that does not
 * answer is asked again.
 */
export async function runDrills(deps: DrillSchedulerDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, pollSeconds, wake } = deps
  while (!signal.aborted) {
    try {
      if ((await addDueDrills(deps, signal)) > 0) wake()
    } catch (error) {
      if (!Fault.is(error, 'catalog_unavailable')) throw error
      log.warn({ err: error.message }, 'no drills asked for: the catalog does not answer')
    }
    await clock.sleep(pollSeconds * 1000, signal).catch(() => {})
  }
}

/** Adds a drill for each instance of which one is due now. Gives how many. */
export async function addDueDrills(deps: DrillSchedulerDeps, signal?: AbortSignal): Promise<number> {
  let added = 0
  for (const one of await deps.catalog.drilled()) {
    if (signal?.aborted) break
    if (await addOne(one, deps)) added++
  }
  return added
}

async function addOne({ instanceId, policy: { drills }, changedAt }: RegisteredPolicy, deps: DrillSchedulerDeps) {
  if (drills === undefined) return false
  const { catalog, clock, log } = deps
  const standing = await catalog.drillStanding(instanceId, drills.everySets)
  const setId = drillDue(drills, standing, changedAt, clock.now())
  if (setId === undefined) return false
  const task = await addUnlessGone({ kind: 'drill', instanceId, setId, request: {} }, standing.last?.taskId, deps)
  if (!task) return false
  log.info({ instance: instanceId, set: setId, task: task.id }, 'drill is due')
  return true
}

/** A set that is removed between the look and the act is none to drill: the next look finds another. */
async function addUnlessGone(
  task: Parameters<Catalog['addDrill']>[0],
  lastTaskId: string | undefined,
  { catalog }: DrillSchedulerDeps,
) {
  try {
    return await catalog.addDrill(task, lastTaskId)
  } catch (error) {
    if (Fault.is(error, 'not_found') || Fault.is(error, 'locked')) return undefined
    throw error
  }
}
