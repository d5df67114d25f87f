import type { Task } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import type { NewTask } from './catalog.ts'
import type { Deps } from './database.ts'
import { knownPolicy, type KnownPolicy } from './policies.ts'
import { insertTask } from './task-rows.ts'

/** What the scheduler looks at: a registered instance whose policy asks for automated backups. */
export interface Scheduled extends KnownPolicy {
  readonly instanceId: string
  readonly createdAt: Moment
  /** When its last automated backup became due; 0 for never. */
  readonly dueAt: Moment
}

/** What the scheduler asks of the catalog. */
export interface ScheduleCatalog {
  /** Registered instances whose policy asks for automated backups, by id. */
  scheduled(): Promise<readonly Scheduled[]>
  /**
   * Adds the task of an automated backup and notes that the one of `dueAt` is done with, if `lastDueAt` is still what is known: so
   * that any number of schedulers add it once. Gives undefined when it is not, or when a backup of the instance has not ended.
   */
  addAutomated(task: NewTask, dueAt: Moment, lastDueAt: Moment): Promise<Task | undefined>
}

export const scheduleMethods = ({ database }: Deps): ScheduleCatalog => ({
  scheduled: () =>
    database.read(async (db) => {
      const rows = await db
        .selectFrom('policies')
        .innerJoin('instances', 'instances.id', 'policies.instance_id')
        .select(['instance_id', 'policy', 'changed_at', 'due_at', 'created_at'])
        .where('deregistered_at', 'is', null)
        .orderBy('instance_id')
        .execute()
      return rows
        .map((row) => ({
          ...knownPolicy(row),
          instanceId: row.instance_id,
          createdAt: row.created_at,
          dueAt: row.due_at,
        }))
        .filter(({ policy }) => policy.schedule.enabled)
    }),

  addAutomated: (task, dueAt, lastDueAt) =>
    database.write(async (trx) => {
      const noted = await trx
        .updateTable('policies')
        .set({ due_at: dueAt })
        .where('instance_id', '=', task.instanceId ?? '')
        .where('due_at', '=', lastDueAt)
        .returning('instance_id')
        .executeTakeFirst()
      if (!noted) return undefined
      const added = await insertTask(trx, database, task)
      if (added) return added
      // A backup that has not ended is in the way: this one is still due when it has.
      await trx
        .updateTable('policies')
        .set({ due_at: lastDueAt })
        .where('instance_id', '=', task.instanceId ?? '')
        .execute()
      return undefined
    }),
})
