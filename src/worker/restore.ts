import { Fault } from '../core/fault.ts'
import type { RestoreIntoRequest, RestoreRequest, RestoreToRequest } from '../core/task.ts'
import type { EngineProgress } from '../engine/engine.ts'
import { realPathBelow } from '../lib/below.ts'
import { NO_ENCRYPTION } from '../set/encryption.ts'
import { requireOpens } from '../set/need-identity.ts'
import { openSet, readManifest } from '../set/read.ts'
import { chainOf, manifestIn, storedSet } from './stored-set.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/** Brings a set back, checking every byte on the way: into a directory, or a logical one into a running instance. */
export const restore: Story = async (run, deps) => {
  const request = run.task.request as RestoreRequest
  if ('into' in request) await restoreInto(request, run, deps)
  else await restoreTo(request, run, deps)
}

/** The directory lies below one of the configured roots. */
async function restoreTo({ to }: RestoreToRequest, run: TaskRun, deps: WorkerDeps): Promise<void> {
  const { catalog, store, restore: settings, encryption = NO_ENCRYPTION } = deps
  const { set } = await storedSet(catalog, run.task)
  const directory = await realPathBelow(to, settings.roots)
  if (directory === undefined) throw new Fault('forbidden', `restore into ${to}: not below one of restore.roots`)
  const chain = await chainOf(catalog, set)
  const manifests = await Promise.all(chain.map((one) => manifestIn(one, set.id, deps, run.signal)))
  requireOpens(manifests, encryption.identities)
  const engine = deps.engineOf(manifests[0]?.instance.engine ?? 'postgres')
  const restored = await engine.restore(
    { directory, owner: settings.owner },
    manifests.map((manifest) => openSet(store, manifest, encryption.identities)),
    { binDirs: settings.binDirs },
    { signal: run.signal, onProgress: (progress) => run.report(restorePercent(progress)) },
  )
  await catalog.finishTask(run.lease, restored)
}

async function restoreInto(request: RestoreIntoRequest, run: TaskRun, deps: WorkerDeps): Promise<void> {
  const { catalog, store, restore: settings, encryption = NO_ENCRYPTION } = deps
  const { manifestKey } = await storedSet(catalog, run.task)
  const manifest = await readManifest(store, manifestKey, { signal: run.signal })
  requireOpens([manifest], encryption.identities)
  const instance = await catalog.instance(request.into)
  const node = instance?.nodes.find(({ role }) => role === 'primary') ?? instance?.nodes[0]
  if (!instance || instance.deregisteredAt !== undefined || !node) {
    throw new Fault('not_found', `restore into instance ${request.into}: it is not registered`)
  }
  const restored = await deps
    .engineOf(instance.engine)
    .restoreInto(
      node.address,
      openSet(store, manifest, encryption.identities),
      { ...request, binDirs: settings.binDirs },
      { signal: run.signal, onProgress: (progress) => run.report(restorePercent(progress)) },
    )
  await catalog.finishTask(run.lease, restored)
}

/** How far the task is when a restore is so far: the last percents are for what comes after it. */
export const restorePercent = ({ phase, bytes, totalBytes }: EngineProgress) => ({
  phase,
  bytes,
  totalBytes,
  percent: totalBytes > 0 ? Math.min(98, Math.floor((98 * bytes) / totalBytes)) : 0,
})
