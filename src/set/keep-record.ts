import type { Fault } from '../core/fault.ts'
import { formatKeepRecord, parseKeepRecord, type Keep } from '../core/keep-record.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { readOr, recordsOf } from './records.ts'

const records = recordsOf('keeps')

/** What is kept of an instance as its newest record tells; or what keeps the record from being read. */
export type FoundKeep =
  | { readonly key: string; readonly keep: Keep; readonly fault?: undefined }
  | { readonly key: string; readonly keep?: undefined; readonly fault: Fault }

/** Notes in the store how long the sets of an instance are kept. Nothing is written when its newest record says the same. */
export const writeKeepRecord = (store: Store, keep: Keep, options: Options = {}): Promise<string> =>
  records.write(store, keep.instanceId, formatKeepRecord(keep), options)

/** The newest record of each instance in a store. One that cannot be read comes with the fault instead. */
export async function* readKeepRecords(store: Store, options: Options = {}): AsyncIterable<FoundKeep> {
  for await (const { key } of records.all(store, options)) {
    const { value, fault } = await readOr(store, key, parseKeepRecord, options)
    yield fault ? { key, fault } : { key, keep: value }
  }
}
