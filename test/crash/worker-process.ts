import { TASK_KINDS } from '../../src/core/task.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { countedCatalog, countedStore, countStatement } from './counted.ts'
import { engineOf, LEASE_SECONDS, openSceneCatalog, placesOf, workerDeps } from './scene-parts.ts'
import { order, reach, saySteps } from './steps.ts'

// A real worker on the catalog and the store of a scene, which does all tasks that wait and counts its steps. At the ordered one it is
// killed or stopped by its own hand, so that the place is exact.
const { directory } = order
const log = createLog('info', 'worker')
const catalog = await openSceneCatalog(directory, systemClock, log, countStatement)
const store = await openStore(placesOf(directory).storeUrl, systemClock)
const engine = await engineOf(order, systemClock, async (bytes) => reach(`engine gives byte ${bytes}`))
const parts = { catalog: countedCatalog(catalog), store: countedStore(store), engine, clock: systemClock, log }
const deps = workerDeps(directory, `worker-${process.pid}`, parts)

for (;;) {
  const task = await deps.catalog.claimTask(deps.name, TASK_KINDS, LEASE_SECONDS * 1000)
  if (!task) break
  await doTask(task, deps, new AbortController().signal)
}
await catalog.close()
saySteps()
