import type { Catalog } from '../catalog/catalog.ts'
import type { AlertKind, Condition, Findings } from '../core/alert.ts'
import { damagedSet, exceededRpo, expiringKey, failedBackup, failedDrill, nearlyFull } from '../core/conditions.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Store } from '../store/store.ts'
import type { EncryptionWatch } from './watch-encryption.ts'

export interface LookDeps {
  readonly catalog: Pick<Catalog, 'standings' | 'damagedSets' | 'keys'>
  readonly store: Pick<Store, 'space'>
  readonly clock: Clock
  /** Absent: nothing is encrypted. */
  readonly watchEncryption?: EncryptionWatch | undefined
  readonly log: Log
  readonly settings: { readonly lateSeconds: number; readonly keyDays: number; readonly storeFreePercent: number }
}

/** Everything that is wrong now. Rejects when the catalog does not answer. */
export async function look(deps: LookDeps): Promise<Findings> {
  const { catalog, clock, settings } = deps
  const [standings, damaged, keys, full, encryption] = await Promise.all([
    catalog.standings(),
    catalog.damagedSets(),
    catalog.keys(),
    lookAtStore(deps),
    lookAtEncryption(deps),
  ])
  const now = clock.now()
  const found = [
    ...standings.flatMap((one) => [
      failedBackup(one),
      failedDrill(one),
      exceededRpo(one, now, settings.lateSeconds * 1000),
    ]),
    ...damaged.map(damagedSet),
    ...keys.map((key) => expiringKey(key, now, settings.keyDays)),
    ...full.conditions,
    ...encryption.conditions,
  ]
  return { conditions: found.filter((one) => one !== undefined), unknown: full.unknown.union(encryption.unknown) }
}

/** A store that does not answer is not full, and not known to have room: health and backups say that it does not answer. */
async function lookAtStore({ store, log, settings }: LookDeps): Promise<Findings> {
  if (!store.space) return known([])
  try {
    return known([nearlyFull(await store.space(), settings.storeFreePercent)])
  } catch (error) {
    if (!Fault.is(error)) throw error
    log.warn({ err: error.message }, 'not known whether the store is nearly full: it does not answer')
    return known([], ['store-nearly-full'])
  }
}

/** A store that does not answer leaves what was known of identities as it is. */
async function lookAtEncryption({ watchEncryption, log }: LookDeps): Promise<Findings> {
  try {
    return known((await watchEncryption?.()) ?? [])
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'catalog_unavailable') throw error
    log.warn({ err: error.message }, 'not known whether identities open the newest sets')
    return known([], ['identity-check'])
  }
}

const known = (conditions: readonly (Condition | undefined)[], unknown: readonly AlertKind[] = []): Findings => ({
  conditions: conditions.filter((one) => one !== undefined),
  unknown: new Set(unknown),
})
