import type { Transaction } from 'kysely'
import type { Task } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import type { NewTask } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { lockIds } from './ids.ts'
import { policiesOfRegistered, type RegisteredPolicy } from './policy-rows.ts'
import type { Tables } from './tables.ts'
import { insertTask, IS_OPEN } from './task-rows.ts'

/** What the scheduler looks at: a registered instance whose policy asks for automated backups. */
export type Scheduled = RegisteredPolicy

/** What the scheduler asks of the catalog. */
export interface ScheduleCatalog {
  /** Registered instances whose policy asks for automated backups, by id. */
  scheduled(): Promise<readonly Scheduled[]>
  /** Up to when an instance's schedule is settled; undefined when it never had a policy. */
  settledOf(instanceId: string): Promise<Moment | undefined>
  /**
   * Adds the task of an automated backup and settles its schedule up to `dueAt`, if it is still settled up to `settledAt`: so that any
   * number of schedulers add it once. Undefined, and nothing done, when it is not; when a backup of the instance has not ended,
   * which leaves the next one due; and when the instance is gone.
   */
  addAutomated(task: NewTask, dueAt: Moment, settledAt: Moment): Promise<Task | undefined>
  /** Settles a schedule up to another moment without a backup, if it is still settled up to `was`. Gives whether it was. */
  resettle(instanceId: string, settledAt: Moment, was: Moment): Promise<boolean>
}

export const scheduleMethods = ({ database }: Deps): ScheduleCatalog => ({
  scheduled: () =>
    database.read(async (db) => {
      const known = await policiesOfRegistered(db)
      return known.filter(({ policy }) => policy.schedule.enabled)
    }),

  settledOf: (instanceId) =>
    database.read(async (db) => {
      const row = await db
        .selectFrom('policies')
        .select('due_at')
        .where('instance_id', '=', instanceId)
        .executeTakeFirst()
      return row?.due_at
    }),

  addAutomated: (task, dueAt, settledAt) =>
    database.write(async (trx) => {
      const { instanceId = '' } = task
      if (!(await mayBackUp(trx, database, instanceId))) return undefined
      if (!(await settle(trx, instanceId, dueAt, settledAt))) return undefined
      return insertTask(trx, database, task)
    }),

  resettle: (instanceId, settledAt, was) => database.write((trx) => settle(trx, instanceId, settledAt, was)),
})

/** Whether the instance is registered and no backup of it is open; stays so until the transaction ends. */
async function mayBackUp(trx: Transaction<Tables>, database: Database, instanceId: string): Promise<boolean> {
  const instance = await trx
    .selectFrom('instances')
    .select('id')
    .where('id', '=', instanceId)
    .where('deregistered_at', 'is', null)
    .$if(database.kind === 'postgres', (query) => query.forShare())
    .executeTakeFirst()
  if (!instance) return false
  // Whoever adds a task takes an id first, and so waits for us.
  await lockIds(trx)
  const open = await trx
    .selectFrom('tasks')
    .select('id')
    .where('instance_id', '=', instanceId)
    .where('kind', '=', 'take-backup')
    .where(IS_OPEN)
    .executeTakeFirst()
  return open === undefined
}

async function settle(trx: Transaction<Tables>, instanceId: string, settledAt: Moment, was: Moment): Promise<boolean> {
  const settled = await trx
    .updateTable('policies')
    .set({ due_at: settledAt })
    .where('instance_id', '=', instanceId)
    .where('due_at', '=', was)
    .returning('instance_id')
    .executeTakeFirst()
  return settled !== undefined
}
