import type { Catalog } from '../catalog/catalog.ts'
import { keepOf } from '../core/keep-record.ts'
import { writeKeepRecord } from '../set/keep-record.ts'
import type { Store } from '../store/store.ts'
import { policyOf } from './require.ts'

/** Notes in the store how long the sets of an instance are kept now. What is cut short before it, the sweep makes up for. */
export async function noteKeep(catalog: Catalog, store: Store, instanceId: string): Promise<void> {
  const known = await policyOf(catalog, instanceId)
  await writeKeepRecord(store, keepOf(instanceId, known, await catalog.keptSets(instanceId)))
}

/** The faults that a note may end with: the change holds, and the next sweep notes it. */
export const NOTE_FAULTS = {
  conflict: 'ServiceUnavailable',
  store_unavailable: 'ServiceUnavailable',
  store_full: 'ServiceUnavailable',
} as const
