import { Fault } from '../core/fault.ts'
import type { RestoreRequest } from '../core/task.ts'
import type { EngineProgress } from '../engine/engine.ts'
import { realPathBelow } from '../lib/below.ts'
import { openSet, readManifest } from '../set/read.ts'
import { chainOf, storedSet } from './stored-set.ts'
import type { Story } from './task-run.ts'

/** Brings a set back into a directory below one of the configured roots, checking every byte on the way. */
export const restore: Story = async (run, deps) => {
  const { catalog, store, restore: settings } = deps
  const { set } = await storedSet(catalog, run.task)
  const { to } = run.task.request as RestoreRequest
  const directory = await realPathBelow(to, settings.roots)
  if (directory === undefined) throw new Fault('forbidden', `restore into ${to}: not below one of restore.roots`)
  const chain = await chainOf(catalog, set)
  const manifests = await Promise.all(
    chain.map(({ manifestKey }) => readManifest(store, manifestKey ?? '', { signal: run.signal })),
  )
  const engine = deps.engineOf(manifests[0]?.instance.engine ?? 'postgres')
  const restored = await engine.restore(
    { directory, owner: settings.owner },
    manifests.map((manifest) => openSet(store, manifest)),
    { binDirs: settings.binDirs },
    { signal: run.signal, onProgress: (progress) => run.report(restorePercent(progress)) },
  )
  await catalog.finishTask(run.lease, restored)
}

const restorePercent = ({ phase, bytes, totalBytes }: EngineProgress) => ({
  phase,
  bytes,
  totalBytes,
  percent: totalBytes > 0 ? Math.min(98, Math.floor((98 * bytes) / totalBytes)) : 0,
})
