import { sql, type RawBuilder, type Selectable, type Transaction } from 'kysely'
import type { Task } from '../core/task.ts'
import type { NewTask } from './catalog.ts'
import type { Database } from './database.ts'
import { needNumber, nextId, nextTaskId } from './ids.ts'
import type { Tables, TasksTable } from './tables.ts'

/** Tasks that have not ended. Spelled out, not bound: only so does SQLite see that the index of open tasks will do. */
export const IS_OPEN: RawBuilder<boolean> = sql<boolean>`state in ('waiting', 'running')`

export function taskOf(row: Selectable<TasksTable>): Task {
  return {
    id: String(row.id),
    kind: row.kind,
    instanceId: row.instance_id ?? undefined,
    setId: row.set_id === null ? undefined : String(row.set_id),
    state: row.state,
    attempt: row.attempt,
    stopped: row.stopped,
    request: JSON.parse(row.request) as unknown,
    progress: { phase: row.phase, percent: row.percent, bytes: row.bytes, totalBytes: row.total_bytes },
    result: row.result === null ? undefined : (JSON.parse(row.result) as unknown),
    reason: row.reason ?? undefined,
    cancelAsked: row.cancel_asked === 1,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  }
}

/** JSON of what a task was asked or found; null for nothing. */
export const jsonOf = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))

/** Adds a waiting task. Undefined, and nothing added, when the instance has a take-backup that has not ended. */
export async function insertTask(
  trx: Transaction<Tables>,
  database: Database,
  task: NewTask,
): Promise<Task | undefined> {
  const id = await nextTaskId(trx, database)
  const setId = task.kind === 'take-backup' ? await nextId(trx, database) : task.setId
  const row = await trx
    .insertInto('tasks')
    .values({
      id,
      kind: task.kind,
      instance_id: task.instanceId ?? null,
      set_id: setId === undefined ? null : needNumber(String(setId), 'set'),
      state: 'waiting',
      attempt: 0,
      stopped: 0,
      request: jsonOf(task.request) ?? 'null',
      phase: 'waiting',
      percent: 0,
      bytes: 0,
      total_bytes: 0,
      result: null,
      reason: null,
      cancel_asked: 0,
      created_at: database.now(),
      started_at: null,
      ended_at: null,
      worker: null,
      due_at: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  return row && taskOf(row)
}
