import { removeSet } from '../set/remove.ts'
import type { Story } from './task-run.ts'

/** Removes a set that the catalog hides already: its manifest first, then its bytes, then the catalog's row. */
export const expire: Story = async (run, { catalog, store }) => {
  const { task } = run
  const set = task.setId === undefined ? undefined : await catalog.set(task.setId)
  if (set?.manifestKey !== undefined) await removeSet(store, set.manifestKey, { signal: run.signal })
  await run.renew()
  if (task.setId !== undefined) await catalog.commitRemoval(run.lease, task.setId)
}
