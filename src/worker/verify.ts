import { allSets } from '../catalog/all-sets.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import { NO_ENCRYPTION } from '../set/encryption.ts'
import { objectsOf, readManifest } from '../set/read.ts'
import { verifySet } from '../set/verify.ts'
import { chainOf, storedSet } from './stored-set.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/** A set of the chain with its manifest, or what keeps that from being read. */
interface Opened {
  readonly set: BackupSet
  readonly manifest?: Manifest
  readonly damage?: string
}

/**
 * Reads every stored byte of a set, and of all that it needs, again and holds it against the manifests; what is wrong is noted on
 * the set that has it and on every one that needs it, and fails the task. Of an encrypted one that the service cannot open, the stored
 * bytes are all that is checked, and the result says so.
 */
export const verify: Story = async (run, deps) => {
  const { set } = await storedSet(deps.catalog, run.task)
  const chain = await Promise.all((await chainOf(deps.catalog, set)).map((one) => open(one, run, deps)))
  const objects = chain.flatMap(({ manifest }) => (manifest ? objectsOf(manifest) : []))
  const totalBytes = objects.reduce((sum, { size }) => sum + size, 0)
  const damages: string[] = []
  let [bytes, opened] = [0, true]
  for (const one of chain) {
    const found = await check(one, run, deps, { before: bytes, totalBytes })
    bytes += found.bytes
    opened &&= found.opened
    if (one.set.id !== set.id) await note(one.set, found.damage, run, deps)
    if (found.damage === undefined) continue
    damages.push(one.set.id === set.id ? found.damage : `set ${one.set.id}, which it needs: ${found.damage}`)
    await noteDependents(one.set, found.damage, run, deps)
  }
  const damage = damages.length === 0 ? undefined : damages.join('; ')
  await note(set, damage, run, deps)
  if (damage !== undefined) throw new Fault('verify_failed', `verify set ${set.id}: ${damage}`)
  await deps.catalog.finishTask(run.lease, { objects: objects.length, bytes, opened })
}

/** The set's own manifest that cannot be read ends the task as it did before; one that it needs is damage. */
async function open(set: BackupSet, { task, signal }: TaskRun, { store }: WorkerDeps): Promise<Opened> {
  try {
    return { set, manifest: await readManifest(store, set.manifestKey ?? '', { signal }) }
  } catch (error) {
    const isDamage = Fault.is(error, 'not_found') || Fault.is(error, 'store_corrupt')
    if (!isDamage || set.id === task.setId) throw error
    return { set, damage: `its manifest cannot be read: ${error.message}` }
  }
}

async function check(
  { manifest, damage }: Opened,
  run: TaskRun,
  { store, encryption = NO_ENCRYPTION }: WorkerDeps,
  { before, totalBytes }: { before: number; totalBytes: number },
): Promise<{ readonly bytes: number; readonly opened: boolean; readonly damage: string | undefined }> {
  if (!manifest) return { bytes: 0, opened: false, damage }
  const report = await verifySet(store, manifest, {
    signal: run.signal,
    identities: encryption.identities,
    onProgress: (done) => {
      const bytes = before + done
      run.report({ phase: 'checking', percent: Math.floor((98 * bytes) / Math.max(1, totalBytes)), bytes, totalBytes })
    },
  })
  return { bytes: report.bytes, opened: report.opened, damage: report.ok ? undefined : report.damage.join('; ') }
}

async function note(set: BackupSet, damage: string | undefined, run: TaskRun, { catalog, clock }: WorkerDeps) {
  await run.renew()
  await catalog.noteVerified(run.lease, set.id, { at: clock.now(), damage })
}

/** What adds to a damaged set, and what adds to that, cannot be restored either. */
async function noteDependents(set: BackupSet, damage: string, run: TaskRun, deps: WorkerDeps): Promise<void> {
  const broken = new Set([set.id])
  // Oldest first, so that what a set adds to was looked at before it.
  for (const one of (await allSets(deps.catalog, set.instanceId)).toReversed()) {
    if (one.parentId === undefined || !broken.has(one.parentId)) continue
    broken.add(one.id)
    if (one.id !== run.task.setId) await note(one, `set ${set.id}, which it needs: ${damage}`, run, deps)
  }
}
