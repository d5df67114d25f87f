import { openCatalog } from '../../src/catalog/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { sealerOf } from './sealer.ts'

/**
 * One of several processes that claim backups from the catalog argv[2] at once, under limits: does until none is left, and prints
 * as JSON which it claimed, and the most that it ever saw running in all and at one host.
 */
const [, , url = '', name = '', bulk = '', perHost = ''] = process.argv

const catalog = await openCatalog({ url, sealer: sealerOf(1), clock: systemClock, log: silentLog })
const claimed: string[] = []
let [most, mostAtHost] = [0, 0]

for (;;) {
  const task = await catalog.claimTask(name, ['take-backup'], 600_000, { bulk: Number(bulk), perHost: Number(perHost) })
  const open = await catalog.tasks({ states: ['waiting', 'running'] })
  const hosts = open.filter(({ state }) => state === 'running').map(({ request }) => String(request))
  most = Math.max(most, hosts.length)
  for (const host of hosts) mostAtHost = Math.max(mostAtHost, hosts.filter((other) => other === host).length)
  if (task) {
    claimed.push(task.id)
    await systemClock.sleep(3)
    await catalog.finishTask({ taskId: task.id, attempt: task.attempt, worker: name }, {})
  } else if (open.length === 0) break
}
await catalog.close()
console.log(JSON.stringify({ claimed, most, mostAtHost }))
