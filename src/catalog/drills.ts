import { sql, type Kysely } from 'kysely'
import type { DrillStanding } from '../core/drill-due.ts'
import type { Task } from '../core/task.ts'
import type { NewTask } from './catalog.ts'
import type { Deps } from './database.ts'
import { lockIds } from './ids.ts'
import { policiesOfRegistered, type RegisteredPolicy } from './policy-rows.ts'
import type { Tables } from './tables.ts'
import { addTask } from './tasks.ts'

/** What the scheduler asks of the catalog about drills. */
export interface DrillCatalog {
  /** Registered instances whose policy asks for drills, by id. */
  drilled(): Promise<readonly RegisteredPolicy[]>
  /** How an instance stands; `newest` has up to `sets` of its good sets, and one at least where there is one. */
  drillStanding(instanceId: string, sets: number): Promise<DrillStanding>
  /**
   * Adds the task of a drill if its instance is registered and the newest drill of that is still `lastTaskId` (undefined: there is
   * none): so that any number of schedulers add it once. Undefined, and nothing done, when not.
   */
  addDrill(task: NewTask, lastTaskId: string | undefined): Promise<Task | undefined>
}

export const drillMethods = (deps: Deps): DrillCatalog => ({
  drilled: () =>
    deps.database.read(async (db) => {
      const known = await policiesOfRegistered(db)
      return known.filter(
        ({ policy: { drills } }) => drills !== undefined && (drills.everySets > 0 || drills.cron !== undefined),
      )
    }),

  drillStanding: (instanceId, sets) =>
    deps.database.read(async (db) => {
      const last = await newestDrill(db, instanceId)
      const newest = await db
        .selectFrom('sets')
        .select(['id', 'drilled_at', 'drill_damage'])
        .where('instance_id', '=', instanceId)
        // Spelled out so that PostgreSQL's partial index serves.
        .where(sql<boolean>`removing = 0`)
        .where('status', '=', 'Success')
        .where('available', '=', 1)
        .where('damage', 'is', null)
        .orderBy('started_at', 'desc')
        .orderBy('id', 'desc')
        .limit(Math.max(1, sets))
        .execute()
      return {
        ...(last && {
          last: {
            taskId: String(last.id),
            setId: String(last.set_id),
            addedAt: last.created_at,
            ended: last.state !== 'waiting' && last.state !== 'running',
          },
        }),
        newest: newest.map(({ id, drilled_at, drill_damage }) => ({
          id: String(id),
          drilled: drilled_at !== null || drill_damage !== null,
        })),
      }
    }),

  addDrill: (task, lastTaskId) =>
    deps.database.write(async (trx) => {
      const { instanceId = '' } = task
      // Whoever adds a task takes an id first, and so waits for us.
      await lockIds(trx)
      const instance = await trx
        .selectFrom('instances')
        .select('id')
        .where('id', '=', instanceId)
        .where('deregistered_at', 'is', null)
        .executeTakeFirst()
      const last = await newestDrill(trx, instanceId)
      if (instance === undefined || (last && String(last.id)) !== lastTaskId) return undefined
      return addTask(trx, deps, task)
    }),
})

const newestDrill = (db: Kysely<Tables>, instanceId: string) =>
  db
    .selectFrom('tasks')
    .select(['id', 'set_id', 'created_at', 'state'])
    .where('instance_id', '=', instanceId)
    .where(sql<boolean>`kind = 'drill'`)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
