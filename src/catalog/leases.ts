import { sql, type Transaction, type UpdateObject } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Lease } from '../core/task.ts'
import { shareOf } from './bandwidth.ts'
import type { Catalog } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { liftHolds, taskOwner } from './holds.ts'
import { needNumber, numberOf } from './ids.ts'
import { dropUnmade } from './instance-changes.ts'
import type { Tables } from './tables.ts'

export type TaskChange = UpdateObject<Tables, 'tasks', 'tasks'>

/** How a worker keeps a task and gives it back. */
export const leaseMethods = ({ database }: Deps): Pick<Catalog, 'renewTask' | 'releaseTask'> => ({
  renewTask: (lease, leaseMs, progress) =>
    database.write(async (trx) => {
      const { id, kind, cancel_asked } = await change(trx, database, lease, {
        due_at: sql<number>`${database.now()} + ${leaseMs}`,
        ...(progress && {
          phase: progress.phase,
          percent: furtherOf(Math.min(99, Math.floor(progress.percent))),
          bytes: progress.bytes,
          total_bytes: progress.totalBytes,
          ...('note' in progress && { reason: progress.note ?? null }),
        }),
      })
      const share = kind === 'take-backup' ? await shareOf(trx, database, id) : undefined
      return { cancelAsked: cancel_asked === 1, ...(share !== undefined && { bytesPerSecond: share }) }
    }),

  releaseTask: (lease, reason, delayMs, { stopped } = { stopped: false }) =>
    database.write(async (trx) => {
      const { cancel_asked } = await change(trx, database, lease, {
        state: 'waiting',
        worker: null,
        reason,
        due_at: sql<number>`${database.now()} + ${delayMs}`,
        ...(stopped && { stopped: sql<number>`stopped + 1` }),
      })
      if (cancel_asked === 0) return
      // Nobody may claim what shall end.
      const { taskId } = lease
      await trx
        .updateTable('tasks')
        .set({ state: 'cancelled', ended_at: database.now() })
        .where('id', '=', needNumber(taskId, 'task'))
        .execute()
      await liftHolds(trx, database, taskOwner(needNumber(taskId, 'task')))
      await dropUnmade(trx, database, needNumber(taskId, 'task'))
    }),
})

/** Changes a task that we hold, or nothing at all: Fault 'lease_lost' when it was claimed again, has ended, or our lease has. */
export async function change(trx: Transaction<Tables>, { now }: Database, lease: Lease, values: TaskChange) {
  const row = await trx
    .updateTable('tasks')
    .set({ attempt: lease.attempt, ...values })
    .where('id', '=', numberOf(lease.taskId) ?? -1)
    .where('attempt', '=', lease.attempt)
    .where('worker', '=', lease.worker)
    .where('state', '=', 'running')
    .where('due_at', '>', now())
    .returning(['id', 'kind', 'cancel_asked'])
    .executeTakeFirst()
  if (!row)
    throw new Fault('lease_lost', `change task ${lease.taskId} in attempt ${lease.attempt}: the lease has ended`)
  return row
}

/** A percentage that never goes back. */
const furtherOf = (percent: number) => sql<number>`case when percent > ${percent} then percent else ${percent} end`
