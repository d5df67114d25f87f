import type { BackupSet } from '../core/backup-set.ts'
import type { Catalog } from './catalog.ts'

const SETS = 1000

/** Every set of an instance that is not being removed, newest first: what retention judges as a whole. */
export async function allSets(catalog: Pick<Catalog, 'sets'>, instanceId: string): Promise<readonly BackupSet[]> {
  const all: BackupSet[] = []
  for (;;) {
    const { items } = await catalog.sets({ instanceId, offset: all.length, limit: SETS })
    all.push(...items)
    if (items.length < SETS) return all
  }
}
