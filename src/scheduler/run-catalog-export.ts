import { exportForRecipients } from '../catalog/age-export.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { exportKey, listCatalogExports, pruneCatalogExports, putCatalogExport } from '../set/catalog-export.ts'
import type { Store } from '../store/store.ts'

/** How often it is looked whether the day has its export. */
const LOOK_MS = 900_000

export interface CatalogExportDeps {
  readonly catalog: Pick<Catalog, 'dump'>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Who can open the exports. None: none is made. */
  readonly recipients: readonly string[]
  /** How many days' exports are kept. */
  readonly keep: number
}

/**
 * Puts one export of the catalog a UTC day into the store, until `signal` aborts. Any number of processes make one a day; one
 * that fails is logged and tried again.
 */
export async function runCatalogExport(deps: CatalogExportDeps, signal: AbortSignal): Promise<void> {
  if (deps.recipients.length === 0) return
  while (!signal.aborted) {
    try {
      await exportOfToday(deps, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!Fault.is(error)) throw error
      deps.log.error({ err: error.message, hint: error.hint }, 'the catalog was not exported to the store')
    }
    await deps.clock.sleep(LOOK_MS, signal).catch(() => {})
  }
}

/** Writes the day's export unless there is one, then removes what is too old. Gives whether it wrote one. */
export async function exportOfToday(deps: CatalogExportDeps, signal?: AbortSignal): Promise<boolean> {
  const { catalog, store, clock, log, recipients, keep } = deps
  const now = clock.now()
  const known = await listCatalogExports(store, { signal })
  if (known.some(({ key }) => key === exportKey(now))) return false
  const sealed = await exportForRecipients(catalog, recipients)
  if (!(await putCatalogExport(store, now, sealed, { signal }))) return false
  log.info({ key: exportKey(now), bytes: sealed.length }, 'catalog exported to the store')
  await pruneCatalogExports(store, keep, { signal })
  return true
}
