import { formatInstanceRecord, parseInstanceRecord, type RecordedInstance } from '../core/instance-record.ts'
import type { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { readOr, recordsOf } from './records.ts'

const records = recordsOf('instances')

/** An instance as its newest record tells it, ready to be added to a catalog; or what keeps the record from being read. */
export type FoundInstance =
  | { readonly key: string; readonly instance: RecordedInstance; readonly fault?: undefined }
  | { readonly key: string; readonly instance?: undefined; readonly fault: Fault }

/**
 * Keeps an instance as it is now under the next number of its own, and gives the key. Nothing is written when the newest record says
 * the same. Records are never overwritten, also when several processes write at once.
 */
export const writeInstanceRecord = (
  store: Store,
  instance: RecordedInstance | Instance,
  options: Options = {},
): Promise<string> => records.write(store, instance.id, formatInstanceRecord(instance), options)

/** Writes a first record of an instance that has none: its registration was cut short between the catalog and the store. */
export async function ensureInstanceRecord(store: Store, instance: Instance, options: Options = {}): Promise<void> {
  if ((await records.newest(store, instance.id, options)) === undefined)
    await writeInstanceRecord(store, instance, options)
}

/** The newest record of each instance in a store, by instance. One that cannot be read comes with the fault instead. */
export async function* readInstanceRecords(store: Store, options: Options = {}): AsyncIterable<FoundInstance> {
  for await (const { key } of records.all(store, options)) {
    const { value, fault } = await readOr(store, key, parseInstanceRecord, options)
    yield fault ? { key, fault } : { key, instance: value }
  }
}
