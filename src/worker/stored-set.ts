import type { Catalog } from '../catalog/catalog.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import type { Task } from '../core/task.ts'
import { readManifest } from '../set/read.ts'
import type { Store } from '../store/store.ts'

/** The set that a task is about, and where its manifest lies. Fault 'not_found' when the set is gone or never had bytes. */
export async function storedSet(
  catalog: Catalog,
  task: Task,
): Promise<{ readonly set: BackupSet; readonly manifestKey: string }> {
  const set = task.setId === undefined ? undefined : await catalog.set(task.setId)
  if (set?.manifestKey === undefined) throw new Fault('not_found', `no set ${task.setId ?? ''} with stored bytes`)
  return { set, manifestKey: set.manifestKey }
}

/** A set and all it needs, oldest first: the full set, then each increment up to the set itself. */
export async function chainOf(catalog: Catalog, set: BackupSet): Promise<readonly BackupSet[]> {
  const chain = [set]
  for (let parentId = set.parentId; parentId !== undefined; parentId = chain[0]?.parentId) {
    const parent = await catalog.set(parentId)
    if (!parent) throw new Fault('not_found', `set ${set.id} needs set ${parentId}, which is gone`)
    chain.unshift(parent)
  }
  return chain
}

/** The manifest of one set of the chain of set `wanted`. Fault 'store_corrupt' when it is another one's that is not there. */
export async function manifestIn(
  one: BackupSet,
  wanted: string,
  { store }: { readonly store: Store },
  signal: AbortSignal,
): Promise<Manifest> {
  try {
    return await readManifest(store, one.manifestKey ?? '', { signal })
  } catch (error) {
    if (one.id === wanted || !(Fault.is(error, 'not_found') || Fault.is(error, 'store_corrupt'))) throw error
    throw new Fault('store_corrupt', `restore set ${wanted}: it needs set ${one.id}: ${error.message}`, {
      hint: 'Restore a set that does not need it: a full set needs no other.',
      cause: error,
    })
  }
}
