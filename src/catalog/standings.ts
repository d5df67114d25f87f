import { sql, type Kysely } from 'kysely'
import type { Standing } from '../core/conditions.ts'
import type { InstanceSettings } from '../core/instance.ts'
import type { Deps } from './database.ts'
import { knownPolicy } from './policy-rows.ts'
import type { Tables } from './tables.ts'

/** What alerts ask about instances and their sets. */
export interface StandingCatalog {
  /** How each registered instance stands, by id. */
  standings(): Promise<readonly Standing[]>
  /** Sets whose stored bytes were found wrong, by instance and id. */
  damagedSets(): Promise<readonly { readonly id: string; readonly instanceId: string; readonly damage: string }[]>
}

export const standingMethods = ({ database }: Deps): StandingCatalog => ({
  standings: async () => {
    const rows = await database.read((db) => rowsOf(db).execute())
    return rows.map((row): Standing => {
      const { rpoSeconds = 0 } = JSON.parse(row.settings) as InstanceSettings
      return {
        instanceId: row.id,
        createdAt: row.created_at,
        rpoSeconds,
        ...(row.policy !== null && { policy: knownPolicy(row) }),
        ...(row.last_id !== null && {
          last: {
            id: String(row.last_id),
            failed: row.last_status === 'Failed',
            reason: row.last_reason ?? '',
            endedAt: row.last_ended_at ?? 0,
          },
        }),
        ...(row.drill_id !== null && {
          drill: {
            setId: String(row.drill_set_id),
            failed: row.drill_state === 'failed',
            reason: row.drill_reason ?? '',
            endedAt: row.drill_ended_at ?? 0,
          },
        }),
        ...(row.good_started_at !== null && {
          good: { startedAt: row.good_started_at, consistentAt: row.good_consistent_at ?? row.good_started_at },
        }),
      }
    })
  },

  damagedSets: async () => {
    const rows = await database.read((db) =>
      db
        .selectFrom('sets')
        .select(['id', 'instance_id', 'damage'])
        .where('damage', 'is not', null)
        .where(sql<boolean>`removing = 0`)
        .orderBy('instance_id')
        .orderBy('id')
        .execute(),
    )
    return rows.map((row) => ({ id: String(row.id), instanceId: row.instance_id, damage: row.damage ?? '' }))
  },
})

// `removing = 0` is spelled out so that PostgreSQL's partial index serves.
const rowsOf = (db: Kysely<Tables>) =>
  db
    .selectFrom('instances')
    .leftJoin('policies', 'policies.instance_id', 'instances.id')
    .leftJoin('sets as last', (join) =>
      join.onRef('last.id', '=', (from) =>
        from
          .selectFrom('sets')
          .select('sets.id')
          .whereRef('sets.instance_id', '=', 'instances.id')
          .where(sql<boolean>`sets.removing = 0`)
          .orderBy('sets.started_at', 'desc')
          .orderBy('sets.id', 'desc')
          .limit(1),
      ),
    )
    .leftJoin('sets as good', (join) =>
      join.onRef('good.id', '=', (from) =>
        from
          .selectFrom('sets')
          .select('sets.id')
          .whereRef('sets.instance_id', '=', 'instances.id')
          .where(sql<boolean>`sets.removing = 0`)
          .where('sets.status', '=', 'Success')
          .where('sets.available', '=', 1)
          .where('sets.damage', 'is', null)
          .where('sets.drill_damage', 'is', null)
          .orderBy('sets.started_at', 'desc')
          .orderBy('sets.id', 'desc')
          .limit(1),
      ),
    )
    .leftJoin('tasks as drill', (join) =>
      join.onRef('drill.id', '=', (from) =>
        from
          .selectFrom('tasks')
          .select('tasks.id')
          .whereRef('tasks.instance_id', '=', 'instances.id')
          .where(sql<boolean>`tasks.kind = 'drill'`)
          .where('tasks.state', 'in', ['finished', 'failed'])
          .orderBy('tasks.id', 'desc')
          .limit(1),
      ),
    )
    .select(['drill.id as drill_id', 'drill.set_id as drill_set_id', 'drill.state as drill_state'])
    .select(['drill.reason as drill_reason', 'drill.ended_at as drill_ended_at'])
    .select(['instances.id', 'instances.created_at', 'settings', 'policy', 'changed_at'])
    .select(['last.id as last_id', 'last.status as last_status', 'last.reason as last_reason'])
    .select(['last.ended_at as last_ended_at', 'good.started_at as good_started_at'])
    .select('good.consistent_at as good_consistent_at')
    .where('deregistered_at', 'is', null)
    .orderBy('instances.id')
