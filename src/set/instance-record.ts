import { formatInstanceRecord, parseInstanceRecord, type RecordedInstance } from '../core/instance-record.ts'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'

const INSTANCES = 'instances/'
const KEY = /^instances\/([A-Za-z0-9._-]+)\/(\d{12})\.json$/

/** How often the next number is tried when other processes take it before us. */
const TRIES = 100

/** An instance as its newest record tells it, ready to be added to a catalog; or what keeps the record from being read. */
export type FoundInstance =
  | { readonly key: string; readonly instance: RecordedInstance; readonly fault?: undefined }
  | { readonly key: string; readonly instance?: undefined; readonly fault: Fault }

/**
 * Keeps an instance as it is now under the next number of its own, and gives the key. Nothing is written when the newest record says
 * the same. Records are never overwritten, also when several processes write at once.
 */
export async function writeInstanceRecord(
  store: Store,
  instance: RecordedInstance | Instance,
  options: Options = {},
): Promise<string> {
  const text = formatInstanceRecord(instance)
  for (let tries = 0; tries < TRIES; tries++) {
    const newest = await newestKey(store, instance.id, options)
    if (newest !== undefined && (await readText(store, newest, options)) === text) return newest
    const key = recordKey(instance.id, sequenceOf(newest) + 1)
    if (await putNew(store, key, text, options)) return key
  }
  throw new Fault('conflict', `write a record of instance ${instance.id}: others write it all the time`)
}

/** Writes a first record of an instance that has none: its registration was cut short between the catalog and the store. */
export async function ensureInstanceRecord(store: Store, instance: Instance, options: Options = {}): Promise<void> {
  if ((await newestKey(store, instance.id, options)) === undefined) await writeInstanceRecord(store, instance, options)
}

/** The newest record of each instance in a store, by instance. One that cannot be read comes with the fault instead. */
export async function* readInstanceRecords(store: Store, options: Options = {}): AsyncIterable<FoundInstance> {
  let newest: { id: string; key: string } | undefined
  for await (const { key } of store.list(INSTANCES, options)) {
    const id = KEY.exec(key)?.[1]
    if (id === undefined) continue
    if (newest && newest.id !== id) yield await readRecord(store, newest.key, options)
    newest = { id, key }
  }
  if (newest) yield await readRecord(store, newest.key, options)
}

const recordKey = (id: string, sequence: number): string =>
  `${INSTANCES}${id}/${String(sequence).padStart(12, '0')}.json`

const sequenceOf = (key: string | undefined): number => Number((key && KEY.exec(key)?.[2]) ?? 0)

async function newestKey(store: Store, id: string, options: Options): Promise<string | undefined> {
  let newest: string | undefined
  for await (const { key } of store.list(`${INSTANCES}${id}/`, options)) if (KEY.test(key)) newest = key
  return newest
}

async function readText(store: Store, key: string, options: Options): Promise<string> {
  return Buffer.concat(await Array.fromAsync(await store.get(key, options))).toString()
}

async function readRecord(store: Store, key: string, options: Options): Promise<FoundInstance> {
  try {
    return { key, instance: parseInstanceRecord(await readText(store, key, options), key) }
  } catch (error) {
    if (Fault.is(error, 'store_corrupt') || Fault.is(error, 'too_new')) return { key, fault: error }
    throw error
  }
}

async function putNew(store: Store, key: string, text: string, options: Options): Promise<boolean> {
  const body = async function* () {
    yield Buffer.from(text)
  }
  try {
    await store.put(key, body(), { ...options, ifAbsent: true })
    return true
  } catch (error) {
    if (Fault.is(error, 'conflict')) return false
    throw error
  }
}
