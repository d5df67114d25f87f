import { randomUUID } from 'node:crypto'
import { allSets } from '../catalog/all-sets.ts'
import type { ServiceChange } from '../catalog/catalog.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import { retain as judge, retainReleased, type Verdict } from '../core/retention.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/** Instances that are read from the catalog at once. */
const INSTANCES = 100

/**
 * Removes what no policy keeps, of every instance: each set by the same steps as DeleteBackup, newest dependent first, with its
 * reason in the log and the audit. A set that something needs at this moment is left to the next time, and so is all that is left when
 * this ends early.
 */
export const retain: Story = async (run, deps) => {
  const found = { removed: 0, bytes: 0, needed: 0 }
  for (let offset = 0; ; offset += INSTANCES) {
    const { items } = await deps.catalog.instances({ registeredOnly: false, offset, limit: INSTANCES })
    for (const instance of items) {
      for (const verdict of await removable(instance, deps)) {
        run.signal.throwIfAborted()
        if (await remove(verdict, run, deps)) {
          found.removed++
          found.bytes += verdict.set.size
        } else found.needed++
      }
    }
    if (items.length < INSTANCES) break
  }
  await deps.catalog.finishTask(run.lease, found)
}

/** What goes of an instance's sets, newest first. Nothing of one that nobody gave a policy, and so no set is even read. */
async function removable(instance: Instance, { catalog, clock }: WorkerDeps): Promise<Verdict<BackupSet>[]> {
  const known = await catalog.policyOf(instance.id)
  if (!known || (known.changedAt === 0 && (await catalog.keptSets(instance.id)).length === 0)) return []
  const sets = await allSets(catalog, instance.id)
  const now = clock.now()
  const released = instance.deregisteredAt !== undefined
  const verdicts = released ? retainReleased(sets, known.policy, now) : judge(sets, known.policy.retention, now)
  return verdicts.filter(({ kept }) => !kept)
}

/** Hides the set and adds the task that removes its bytes. False when something needs it, or it is gone already. */
async function remove({ set, reason }: Verdict<BackupSet>, run: TaskRun, { catalog, log, clock }: WorkerDeps) {
  await run.renew()
  try {
    await catalog.removeSets(set.instanceId, [set.id], auditOf(set, reason, clock.now()))
  } catch (error) {
    if (Fault.is(error, 'locked') || Fault.is(error, 'not_found')) return false
    throw error
  }
  log.info(
    { instanceId: set.instanceId, setId: set.id, bytes: set.size, reason: `it ${reason}` },
    'set removed by its policy',
  )
  return true
}

const auditOf = (set: BackupSet, reason: string, at: number): ServiceChange => ({
  audit: {
    requestId: randomUUID().toUpperCase(),
    at,
    origin: 'service',
    keyId: '',
    parentKeyId: '',
    osUser: '',
    action: 'Retain',
    instanceId: set.instanceId,
    parameters: { BackupId: set.id, Reason: `it ${reason}` },
    remoteAddress: '',
    userAgent: '',
  },
})
