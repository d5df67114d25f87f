import { Fault } from '../core/fault.ts'
import { removeSet } from '../set/remove.ts'
import type { Story } from './task-run.ts'

/**
 * Removes a set that the catalog hides already: its manifest first, then its bytes, then the catalog's row. What adds to it goes
 * before, however many workers there are: a store never holds an increment without what it needs.
 */
export const expire: Story = async (run, { catalog, store }) => {
  const { task } = run
  const set = task.setId === undefined ? undefined : await catalog.set(task.setId)
  if (set && (await catalog.hasDependents(set.instanceId, set.id))) {
    throw new Fault('locked', `remove set ${set.id}: a set that adds to it is not removed yet`)
  }
  if (set?.manifestKey !== undefined) await removeSet(store, set.manifestKey, { signal: run.signal })
  await run.renew()
  if (task.setId !== undefined) await catalog.commitRemoval(run.lease, task.setId)
}
