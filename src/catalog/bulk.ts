import type { BackupSet } from '../core/backup-set.ts'
import { inBatches, insertSets } from './insert-sets.ts'
import { openDatabase, type CatalogOptions } from './open.ts'

/** Sets of one transaction. */
const BATCH = 50_000

/**
 * Adds very many sets to a catalog that is there already: for benchmarks and for tests of size, some 60,000 a second on SQLite.
 * Their instances are there and their ids are new, or it fails half way. Gives how many it added.
 */
export async function bulkSets(options: CatalogOptions, sets: Iterable<BackupSet>): Promise<number> {
  const database = await openDatabase(options)
  let added = 0
  try {
    for (const batch of inBatches(sets, BATCH)) {
      await database.write((trx) => insertSets(trx, batch))
      added += batch.length
    }
    return added
  } finally {
    await database.close()
  }
}
