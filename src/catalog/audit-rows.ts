import type { Insertable, Selectable, Transaction } from 'kysely'
import type { AuditRecord } from '../core/audit.ts'
import type { Task } from '../core/task.ts'
import type { AuditRecordsTable, Tables } from './tables.ts'

/** Writes one record of the audit. */
export async function insertAudit(trx: Transaction<Tables>, record: AuditRecord): Promise<void> {
  await trx.insertInto('audit_records').values(auditRow(record)).execute()
}

/** Names the tasks of a change in its record. */
export async function noteTasks(trx: Transaction<Tables>, requestId: string, tasks: readonly Task[]): Promise<void> {
  const setIds = tasks.map(({ setId }) => setId).filter((id) => id !== undefined)
  await trx
    .updateTable('audit_records')
    .set({ task_ids: JSON.stringify(tasks.map(({ id }) => id)), set_ids: JSON.stringify(setIds) })
    .where('request_id', '=', requestId)
    .execute()
}

/** A record as its row. */
export const auditRow = (record: AuditRecord): Insertable<AuditRecordsTable> => ({
  request_id: record.requestId,
  at: record.at,
  origin: record.origin,
  key_id: record.keyId,
  parent_key_id: record.parentKeyId,
  os_user: record.osUser,
  action: record.action,
  instance_id: record.instanceId,
  parameters: JSON.stringify(record.parameters),
  remote_address: record.remoteAddress,
  user_agent: record.userAgent,
  outcome: record.outcome,
  code: record.code,
  task_ids: JSON.stringify(record.taskIds),
  set_ids: JSON.stringify(record.setIds),
})

/** A row as its record. */
export const auditOf = (row: Selectable<AuditRecordsTable>): AuditRecord => ({
  requestId: row.request_id,
  at: row.at,
  origin: row.origin,
  keyId: row.key_id,
  parentKeyId: row.parent_key_id,
  osUser: row.os_user,
  action: row.action,
  instanceId: row.instance_id,
  parameters: JSON.parse(row.parameters) as AuditRecord['parameters'],
  remoteAddress: row.remote_address,
  userAgent: row.user_agent,
  outcome: row.outcome,
  code: row.code,
  taskIds: JSON.parse(row.task_ids) as readonly string[],
  setIds: JSON.parse(row.set_ids) as readonly string[],
})
