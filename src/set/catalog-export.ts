import { Fault } from '../core/fault.ts'
import type { Moment } from '../lib/clock.ts'
import type { Options } from '../lib/streams.ts'
import { isoSeconds } from '../lib/time.ts'
import type { Store } from '../store/store.ts'

const EXPORTS = 'catalog/'
const KEY = /^catalog\/(\d{4}-\d{2}-\d{2})\.json\.zst\.age$/

/** An export of the catalog that a store keeps. */
export interface KeptExport {
  readonly key: string
  /** When it was written, by the store. */
  readonly at: Moment
}

/** The key of the one export of the UTC day of `at`: `catalog/2026-01-02.json.zst.age`. */
export const exportKey = (at: Moment): string => `${EXPORTS}${isoSeconds(at).slice(0, 10)}.json.zst.age`

/** The exports in a store, oldest day first. */
export async function listCatalogExports(store: Pick<Store, 'list'>, options: Options = {}): Promise<KeptExport[]> {
  const found: KeptExport[] = []
  for await (const { key, modifiedAt } of store.list(EXPORTS, options)) {
    if (KEY.test(key)) found.push({ key, at: modifiedAt })
  }
  return found
}

/**
 * Keeps an encrypted export as that of the day of `at`. None is ever overwritten: gives false, and writes nothing, when the
 * day has one, also when another process was a moment earlier.
 */
export async function putCatalogExport(
  store: Store,
  at: Moment,
  sealed: Uint8Array,
  options: Options = {},
): Promise<boolean> {
  const body = async function* () {
    yield sealed
  }
  try {
    await store.put(exportKey(at), body(), { ...options, ifAbsent: true })
    return true
  } catch (error) {
    if (Fault.is(error, 'conflict')) return false
    throw error
  }
}

/**
 * Removes all exports but the newest `keep`, and gives their keys. Counted, not dated: a clock that jumps ahead, or a service
 * that stood still for a year, removes none that is among the newest.
 */
export async function pruneCatalogExports(store: Store, keep: number, options: Options = {}): Promise<string[]> {
  const old = (await listCatalogExports(store, options)).slice(0, -keep).map(({ key }) => key)
  for (const key of old) await store.remove(key, options)
  return old
}
