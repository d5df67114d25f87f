import type { Catalog } from '../catalog/catalog.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { keepOf } from '../core/keep-record.ts'
import type { AttemptPlace } from '../set/set.ts'
import { entombAttempt, liftTombstone, listAttempts, removeAttempt } from '../set/attempts.ts'
import { writeInstanceRecord } from '../set/instance-record.ts'
import { writeKeepRecord } from '../set/keep-record.ts'
import { clearScratch } from './scratch.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/** An attempt whose task no catalog knows may belong to another service on the same store: it is garbage only when this old. */
const UNKNOWN_MS = 7 * 86_400_000

/** A half-written object that got no byte for so many leases has no writer any more. */
const STALE_LEASES = 10

/**
 * Clears away what dead attempts left. A dead attempt gets a tombstone first, and is deleted one more lease later: a writer
 * that was only paused finds the tombstone after its manifest, and knows that it made no set.
 */
export const sweep: Story = async (run, deps) => {
  const { catalog, store, clock, settings } = deps
  const leaseMs = settings.leaseSeconds * 1000
  const found = { entombed: 0, removed: 0, halfWritten: 0 }
  for await (const attempt of listAttempts(store, { signal: run.signal })) {
    run.signal.throwIfAborted()
    const { place, tombstonedAt, newestAt, hasManifest } = attempt
    const now = clock.now()
    if (tombstonedAt === undefined) {
      const fate = await fateOf(place, hasManifest, catalog)
      if (fate === 'needed' || (fate === 'unknown' && (hasManifest || now - newestAt < UNKNOWN_MS))) continue
      await run.renew()
      await entombAttempt(store, place, now)
      found.entombed++
    } else if (isOwn(place, await catalog.set(place.setId))) {
      // A sweeper that was stopped just before its tombstone put it into an attempt that was adopted meanwhile.
      await run.renew()
      await liftTombstone(store, place, { signal: run.signal })
    } else if (now - tombstonedAt > leaseMs) {
      await run.renew()
      await removeAttempt(store, place, { signal: run.signal })
      found.removed++
    }
  }
  found.halfWritten = (await store.tidy?.(clock.now() - STALE_LEASES * leaseMs, { signal: run.signal })) ?? 0
  await clearScratch(deps)
  await recordInstances(run, deps)
  await catalog.tidy()
  if (deps.auditMs !== undefined) await catalog.forgetAudit(clock.now() - deps.auditMs)
  await catalog.finishTask(run.lease, found)
}

/** Instances that are read from the catalog at once. */
const INSTANCES = 100

/**
 * Writes the record of each instance whose newest one says something else: a change of it was cut short between the catalog and
 * the store. One that is changed at this very moment may get its older record last; the next sweep writes the newer one again.
 */
async function recordInstances({ signal }: TaskRun, { catalog, store }: WorkerDeps): Promise<void> {
  for (let offset = 0; ; offset += INSTANCES) {
    const { items } = await catalog.instances({ registeredOnly: false, offset, limit: INSTANCES })
    for (const instance of items) {
      signal.throwIfAborted()
      // One that a clone still makes is nothing that a rebuild should bring back.
      if (instance.nodes.length === 0 && instance.deregisteredAt === undefined) continue
      await writeInstanceRecord(store, instance, { signal })
      await recordKeep(instance.id, { catalog, store }, signal)
    }
    if (items.length < INSTANCES) return
  }
}

/** An instance that nobody gave a policy, and without a pin or an own end of a set, needs no record. */
async function recordKeep(
  instanceId: string,
  { catalog, store }: Pick<WorkerDeps, 'catalog' | 'store'>,
  signal: AbortSignal,
) {
  const known = await catalog.policyOf(instanceId)
  const sets = await catalog.keptSets(instanceId)
  if (!known || (known.changedAt === 0 && sets.length === 0)) return
  await writeKeepRecord(store, keepOf(instanceId, known, sets), { signal })
}

/** Whether the catalog's set is made of this attempt. */
const isOwn = ({ taskId, attempt }: AttemptPlace, set: BackupSet | undefined): boolean =>
  set?.manifestKey?.includes(`/${taskId}-${attempt}/`) === true

/** Whether an attempt is somebody's: the set's own, one that is being written, or one that its task may still adopt. */
async function fateOf(
  place: AttemptPlace,
  hasManifest: boolean,
  catalog: Catalog,
): Promise<'needed' | 'dead' | 'unknown'> {
  const set = await catalog.set(place.setId)
  if (isOwn(place, set)) return 'needed'
  const task = await catalog.task(place.taskId)
  if (!task) return set ? 'dead' : 'unknown'
  const ended = task.state !== 'waiting' && task.state !== 'running'
  if (ended) return 'dead'
  const writing = task.state === 'running' && task.attempt === place.attempt
  return writing || hasManifest ? 'needed' : 'dead'
}
