import { openCatalog } from '../../src/catalog/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { backupSet } from '../contract/catalog/fixture.ts'
import { sealerOf } from './sealer.ts'

/**
 * One of several processes that write to the catalog argv[2] at once, as `argv[3]`: adds tasks, claims whatever there is until
 * nothing is left, commits a set for each, and prints what it did as JSON.
 */
const [, , url = '', name = ''] = process.argv
const ADDED = 60

const catalog = await openCatalog({ url, sealer: sealerOf(1), clock: systemClock, log: silentLog })
const claimed: string[] = []
const ids: string[] = []

for (let count = 0; count < ADDED; count++) {
  await catalog.addTask({ kind: 'expire', instanceId: 'pg-1', request: { name, count } })
  ids.push(await catalog.newId())
  await catalog.beat(name)
}
for (;;) {
  const task = await catalog.claimTask(name, ['expire'], 600_000)
  if (!task) break
  claimed.push(task.id)
  const lease = { taskId: task.id, attempt: task.attempt, worker: name }
  await catalog.renewTask(lease, 600_000)
  await catalog.commitSet(lease, backupSet(task.id, { size: 1 }), {})
}
await catalog.close()
console.log(JSON.stringify({ claimed, ids }))
