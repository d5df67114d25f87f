import { allSets } from '../catalog/all-sets.ts'
import { chooseBase } from '../core/choose-base.ts'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import { incrementsOf, UNTOUCHED_POLICY } from '../core/policy.ts'
import type { SetReader } from '../core/set-reader.ts'
import { encryptionFacts, NO_ENCRYPTION, sameRecipients } from '../set/encryption.ts'
import { openSet, readManifest } from '../set/read.ts'
import type { TaskRun, WorkerDeps } from './task-run.ts'

/** What an engine keeps beside a set for those that add to it. */
const NEEDED = 'backup_manifest'

/** What an increment adds to, held with its whole chain until the task ends; else why there is none. */
export async function findBase(
  instance: Instance,
  run: TaskRun,
  { catalog, store, clock, encryption = NO_ENCRYPTION }: WorkerDeps,
): Promise<{ readonly base?: SetReader; readonly reason?: string }> {
  const known = await catalog.policyOf(instance.id)
  const sets = await allSets(catalog, instance.id)
  const { base, reason } = chooseBase(sets, incrementsOf(known?.policy ?? UNTOUCHED_POLICY), clock.now())
  if (!base) return { reason }
  try {
    await catalog.holdForTask(run.lease, base.id)
    const manifest = await readManifest(store, base.manifestKey ?? '', { signal: run.signal })
    if (!sameRecipients(manifest.encryption, encryptionFacts(encryption))) {
      return { reason: `set ${base.id} is not encrypted to the same recipients` }
    }
    if (manifest.extras.some(({ name }) => name === NEEDED)) return { base: openSet(store, manifest) }
    return { reason: `set ${base.id} was kept without the manifest of its server` }
  } catch (error) {
    if (Fault.is(error, 'not_found') || Fault.is(error, 'store_corrupt')) return { reason: error.message }
    throw error
  }
}
