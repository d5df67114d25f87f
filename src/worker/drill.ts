import type { BackupSet } from '../core/backup-set.ts'
import { problemsText, type DrillReport } from '../core/drill.ts'
import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import type { EngineProgress } from '../engine/engine.ts'
import { NO_ENCRYPTION } from '../set/encryption.ts'
import { requireOpens } from '../set/need-identity.ts'
import { openSet } from '../set/read.ts'
import { clearScratch, scratchOf } from './scratch.ts'
import { chainOf, manifestIn, storedSet } from './stored-set.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/** What was found, or only what is wrong when a set of the chain cannot even be read. */
type Found = Pick<DrillReport, 'problems'> | DrillReport

/**
 * Restores a set into the scratch directory, starts it, looks at all of it, and removes it. What is wrong is noted on the set and
 * fails the task; what keeps the drill from being done fails the task, and says nothing of the set.
 */
export const drill: Story = async (run, deps) => {
  const { catalog, clock, log } = deps
  const { set } = await storedSet(catalog, run.task)
  await clearScratch(deps)
  const found = await drilled(set, run, deps)
  await run.renew()
  const at = clock.now()
  if (found.problems.length === 0) {
    await catalog.noteDrilled(run.lease, set.id, { at, damage: undefined })
    await catalog.finishTask(run.lease, found)
    return
  }
  const reason = `a drill of set ${set.id} found: ${problemsText(found)}`
  await catalog.noteDrilled(run.lease, set.id, { at, damage: reason })
  await catalog.failTask(run.lease, reason, { state: 'failed', result: found })
  log.error({ instance: set.instanceId, set: set.id, problems: found.problems }, 'drill failed')
}

async function drilled(set: BackupSet, run: TaskRun, deps: WorkerDeps): Promise<Found> {
  const { store, scratch, restore, encryption: { identities } = NO_ENCRYPTION } = deps
  const manifests = await chainManifests(set, run, deps)
  if ('problems' in manifests) return manifests
  requireOpens(manifests, identities)
  const kind = manifests[0]?.instance.engine ?? 'postgres'
  return deps.engineOf(kind).drill(
    { directory: await scratchOf(run.task, kind, scratch), owner: restore.owner },
    manifests.map((manifest) => openSet(store, manifest, identities)),
    { binDirs: restore.binDirs },
    { signal: run.signal, onProgress: (progress) => run.report(drillPercent(progress)) },
  )
}

async function chainManifests(
  set: BackupSet,
  { signal }: TaskRun,
  deps: WorkerDeps,
): Promise<readonly Manifest[] | Found> {
  try {
    const chain = await chainOf(deps.catalog, set)
    return await Promise.all(chain.map((one) => manifestIn(one, set.id, deps, signal)))
  } catch (error) {
    if (Fault.is(error, 'not_found') || Fault.is(error, 'store_corrupt')) return { problems: [error.message] }
    throw error
  }
}

/** The restore is the longer part as a rule; nothing tells how far the checks are. */
const drillPercent = ({ phase, bytes, totalBytes }: EngineProgress) => ({
  phase,
  bytes,
  totalBytes,
  percent: phase === 'checking' ? 70 : totalBytes > 0 ? Math.min(69, Math.floor((69 * bytes) / totalBytes)) : 0,
})
