import { sql } from 'kysely'
import type { Catalog, InstanceFigures } from './catalog.ts'
import type { Deps } from './database.ts'

/** What the metrics page tells. Sums of what is counted already: no row of a set is read. */
export const figureMethods = ({ database }: Deps): Pick<Catalog, 'figures' | 'taskFigures'> => ({
  figures: async () => {
    const rows = await database.read((db) =>
      db
        .selectFrom('instances')
        .leftJoin('set_counts', 'set_counts.instance_id', 'instances.id')
        .select(['id', 'last_success_at', 'last_duration_ms'])
        // Even buckets are those of Success.
        .select(sql<number>`cast(coalesce(sum(case when bucket % 2 = 0 then count end), 0) as bigint)`.as('succeeded'))
        .select(sql<number>`cast(coalesce(sum(case when bucket % 2 = 1 then count end), 0) as bigint)`.as('failed'))
        .select(sql<number>`cast(coalesce(sum(bytes), 0) as bigint)`.as('bytes'))
        .groupBy(['id', 'last_success_at', 'last_duration_ms'])
        .orderBy('id')
        .execute(),
    )
    return rows.map((row): InstanceFigures => ({
      instanceId: row.id,
      succeeded: row.succeeded,
      failed: row.failed,
      bytes: row.bytes,
      lastSuccessAt: row.last_success_at ?? undefined,
      lastDurationMs: row.last_duration_ms ?? undefined,
    }))
  },

  taskFigures: async () => {
    const rows = await database.read((db) =>
      db
        .selectFrom('tasks')
        .select(['kind', 'state'])
        .select((all) => all.fn.countAll<number>().as('count'))
        .groupBy(['kind', 'state'])
        .orderBy('kind')
        .orderBy('state')
        .execute(),
    )
    return rows.map((row) => ({ ...row }))
  },
})
