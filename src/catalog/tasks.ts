import type { Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Task, TaskKind } from '../core/task.ts'
import type { Catalog, NewTask } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { holdForGood, liftHolds, taskOwner } from './holds.ts'
import { lockIds, needNumber, numberOf } from './ids.ts'
import { addInstance, dropUnmade } from './instance-changes.ts'
import { settle, spend } from './once.ts'
import type { Tables } from './tables.ts'
import { insertTask, IS_OPEN, taskOf } from './task-rows.ts'

const MOST_TASKS = 1000

type Methods = 'addTask' | 'ensureTask' | 'task' | 'tasks' | 'cancelTask'

export const taskMethods = ({ database, sealer }: Deps): Pick<Catalog, Methods> => ({
  addTask: (task, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const added = await addTask(trx, { database, sealer }, task)
      await settle(trx, once, [added])
      return added
    }),

  ensureTask: (task) =>
    database.write(async (trx) => {
      // One who adds a task takes ids first, and so waits for every other: none can appear between the look and the act.
      await lockIds(trx)
      const open = await trx
        .selectFrom('tasks')
        .select('id')
        .where('kind', '=', task.kind)
        .where(IS_OPEN)
        .executeTakeFirst()
      if (open) return false
      await addTask(trx, { database, sealer }, task)
      return true
    }),

  task: async (id) => {
    const number = numberOf(id)
    if (number === undefined) return undefined
    const row = await database.read((db) =>
      db.selectFrom('tasks').selectAll().where('id', '=', number).executeTakeFirst(),
    )
    return row && taskOf(row)
  },

  tasks: async ({ id, instanceId, kind, states }) => {
    const number = id === undefined ? undefined : numberOf(id)
    if (id !== undefined && number === undefined) return []
    const rows = await database.read((db) =>
      db
        .selectFrom('tasks')
        .selectAll()
        .$if(number !== undefined, (query) => query.where('id', '=', number ?? 0))
        .$if(instanceId !== undefined, (query) => query.where('instance_id', '=', instanceId ?? ''))
        .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? 'sweep'))
        .$if(states !== undefined, (query) => query.where('state', 'in', states ?? []))
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(MOST_TASKS)
        .execute(),
    )
    return rows.map(taskOf)
  },

  cancelTask: (id, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      return cancel(trx, database, needNumber(id, 'task'))
    }),
})

/** Adds a task as `Catalog.addTask` does, in a transaction. */
export async function addTask(trx: Transaction<Tables>, deps: Deps, task: NewTask): Promise<Task> {
  const { database } = deps
  if (task.makes) await addInstance(trx, deps, task.makes)
  if (task.instanceId !== undefined) await needInstance(trx, database, task.instanceId, task.kind === 'take-backup')
  const added = await insertTask(trx, database, task)
  if (!added) {
    throw new Fault('locked', `add a backup of instance ${task.instanceId}: one has not ended`, {
      hint: 'Wait until it has, or cancel it.',
    })
  }
  if (READS_A_SET.has(task.kind) && task.setId !== undefined) {
    await holdForGood(trx, database, needNumber(task.setId, 'set'), taskOwner(Number(added.id)))
  }
  return added
}

const READS_A_SET: ReadonlySet<TaskKind> = new Set(['verify', 'drill', 'restore', 'clone'])

/** Fault 'not_found' when there is no such instance; a deregistered one has no backups taken. Keeps it so until the transaction ends. */
async function needInstance(trx: Transaction<Tables>, { kind }: Database, id: string, registered: boolean) {
  const instance = await trx
    .selectFrom('instances')
    .select('deregistered_at')
    .where('id', '=', id)
    .$if(kind === 'postgres', (query) => query.forShare())
    .executeTakeFirst()
  if (!instance || (registered && instance.deregistered_at !== null)) throw new Fault('not_found', `no instance ${id}`)
}

/** A waiting task ends here; a running one learns of it when it renews its lease. */
async function cancel(trx: Transaction<Tables>, database: Database, id: number): Promise<Task> {
  const task = await trx
    .selectFrom('tasks')
    .select(['kind', 'state'])
    .where('id', '=', id)
    .$if(database.kind === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
  if (!task) throw new Fault('not_found', `no task ${id}`)
  if (task.state !== 'waiting' && task.state !== 'running') {
    throw new Fault('conflict', `cancel task ${id}: it has ended as ${task.state}`)
  }
  if (task.kind === 'expire' || task.kind === 'release') {
    throw new Fault('conflict', `cancel task ${id}: a removal cannot be taken back`)
  }
  if (task.state === 'waiting') {
    await liftHolds(trx, database, taskOwner(id))
    await dropUnmade(trx, database, id)
  }
  const row = await trx
    .updateTable('tasks')
    .set({ cancel_asked: 1 })
    .$if(task.state === 'waiting', (query) =>
      query.set({ state: 'cancelled', ended_at: database.now(), reason: 'cancelled before it began' }),
    )
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return taskOf(row)
}
