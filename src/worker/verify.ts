import { Fault } from '../core/fault.ts'
import { objectsOf, readManifest } from '../set/read.ts'
import { verifySet } from '../set/verify.ts'
import { storedSet } from './stored-set.ts'
import type { Story } from './task-run.ts'

/** Reads every stored byte of a set again and holds it against the manifest; what is wrong is noted on the set and fails the task. */
export const verify: Story = async (run, { catalog, store, clock }) => {
  const { set, manifestKey } = await storedSet(catalog, run.task)
  const manifest = await readManifest(store, manifestKey, { signal: run.signal })
  const totalBytes = objectsOf(manifest).reduce((sum, object) => sum + object.size, 0)
  const report = await verifySet(store, manifest, {
    signal: run.signal,
    onProgress: (bytes) =>
      run.report({ phase: 'checking', percent: Math.floor((98 * bytes) / Math.max(1, totalBytes)), bytes, totalBytes }),
  })
  await run.renew()
  const damage = report.ok ? undefined : report.damage.join('; ')
  await catalog.noteVerified(run.lease, set.id, { at: clock.now(), damage })
  if (damage !== undefined) throw new Fault('verify_failed', `verify set ${set.id}: ${damage}`)
  await catalog.finishTask(run.lease, { objects: report.objects, bytes: report.bytes })
}
