import type { Selectable, Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Policy } from '../core/policy.ts'
import type { Task } from '../core/task.ts'
import { auditOf, insertAudit } from './audit-rows.ts'
import { CATALOG_VERSION, type Catalog, type CatalogDump } from './catalog.ts'
import { insertSets } from './insert-sets.ts'
import { asked, tuplesOf, type Database, type Deps, type Row, type Story } from './database.ts'
import { holdForGood, taskOwner } from './holds.ts'
import { needNumber, passIds, passTaskIds } from './ids.ts'
import { addInstance } from './instance-changes.ts'
import { instanceById } from './instances.ts'
import { keyRow, movedKeyOf } from './keys.ts'
import { pageSql } from './page-sql.ts'
import { setOf } from './set-rows.ts'
import { spend } from './once.ts'
import { putPolicy } from './policy-rows.ts'
import type {
  AccessKeysTable,
  AuditRecordsTable,
  ClientTokensTable,
  PoliciesTable,
  Tables,
  TasksTable,
} from './tables.ts'
import { jsonOf, taskOf } from './task-rows.ts'

/** Everything out, and everything in again. */
export const dumpMethods = (deps: Deps): Pick<Catalog, 'dump' | 'load'> => ({
  dump: () => deps.database.hot(() => dump(deps)),
  load: (from, local) =>
    deps.database.write(async (trx) => {
      if (from.version > CATALOG_VERSION) throw tooNew(from.version)
      await needEmpty(trx)
      await load(trx, deps, from)
      await spend(trx, local)
    }),
})

function* dump({ database, sealer }: Deps): Story<CatalogDump> {
  const { db } = database
  const about = yield asked(db.selectFrom('about').select(['version', 'last_id']))
  const ids = yield asked(db.selectFrom('instances').select('id').orderBy('id'))
  const instances = []
  for (const { id } of ids) instances.push((yield* instanceById(db, sealer, String(id)))!)
  const now = database.nowAsked()
  const sets = yield { sql: pageSql(database.kind, now.sql).all, values: now.values, tuples: true }
  const tasks = yield asked(db.selectFrom('tasks').selectAll().orderBy('id'))
  const keys = yield asked(db.selectFrom('access_keys').selectAll().orderBy('id'))
  const audit = yield asked(db.selectFrom('audit_records').selectAll().orderBy('at').orderBy('request_id'))
  const tokens = yield asked(
    db.selectFrom('client_tokens').selectAll().orderBy('key_id').orderBy('token').orderBy('action'),
  )
  const policies = yield asked(db.selectFrom('policies').selectAll().orderBy('instance_id'))
  return {
    version: Number(about[0]?.['version']),
    lastId: Number(about[0]?.['last_id']),
    instances,
    nodes: instances.flatMap(({ nodes }) => nodes),
    sets: tuplesOf(sets).map(setOf),
    tasks: rowsOf<Selectable<TasksTable>>(tasks).map(taskOf),
    audit: rowsOf<Selectable<AuditRecordsTable>>(audit).map(auditOf),
    tokens: rowsOf<Selectable<ClientTokensTable>>(tokens).map((row) => ({ ...row })),
    policies: rowsOf<Selectable<PoliciesTable>>(policies).map((row) => ({
      instanceId: row.instance_id,
      policy: JSON.parse(row.policy) as Policy,
      changedAt: row.changed_at,
      dueAt: row.due_at,
    })),
    keys: rowsOf<Selectable<AccessKeysTable>>(keys).map((row) => movedKeyOf(row, sealer)),
  }
}

const rowsOf = <R>(rows: readonly Row[]) => rows as unknown as readonly R[]

const tooNew = (version: number) =>
  new Fault('too_new', `load a dump of version ${version}: this program knows up to ${CATALOG_VERSION}`, {
    hint: 'Update Holdfast: the dump was made by a newer version.',
  })

async function needEmpty(trx: Transaction<Tables>): Promise<void> {
  for (const table of ['instances', 'access_keys', 'tasks'] as const) {
    const row = await trx.selectFrom(table).select('id').limit(1).executeTakeFirst()
    if (!row) continue
    throw new Fault('conflict', `load a dump: the catalog is not empty, it holds ${table} ${row.id}`, {
      hint: 'Load it into a new catalog.',
    })
  }
}

async function load(trx: Transaction<Tables>, deps: Deps, from: CatalogDump): Promise<void> {
  const { database, sealer } = deps
  for (const instance of from.instances) await addInstance(trx, deps, instance)
  await insertSets(trx, from.sets)
  for (const task of from.tasks) await loadTask(trx, database, task)
  for (const key of from.keys) await trx.insertInto('access_keys').values(keyRow(key, sealer)).execute()
  for (const record of from.audit ?? []) await insertAudit(trx, record)
  for (const token of from.tokens ?? []) await trx.insertInto('client_tokens').values(token).execute()
  for (const { instanceId, policy, changedAt, dueAt } of from.policies ?? [])
    await putPolicy(trx, instanceId, policy, changedAt, dueAt)
  // Last, since what was just written raised them: versions go on from where they were.
  for (const { id, version } of from.instances) {
    await trx.updateTable('instances').set({ version }).where('id', '=', id).where('version', '<', version).execute()
  }
  await passIds(trx, from.lastId)
}

/** As it was, but nobody's: a running one may be claimed at once. */
async function loadTask(trx: Transaction<Tables>, database: Database, task: Task): Promise<void> {
  const id = needNumber(task.id, 'task')
  await passTaskIds(trx, id)
  await trx
    .insertInto('tasks')
    .values({
      id,
      kind: task.kind,
      instance_id: task.instanceId ?? null,
      set_id: task.setId === undefined ? null : needNumber(task.setId, 'set'),
      state: task.state,
      attempt: task.attempt,
      // Version 1 did not know it.
      stopped: (task as Partial<Task>).stopped ?? 0,
      request: jsonOf(task.request) ?? 'null',
      phase: task.progress.phase,
      percent: task.progress.percent,
      bytes: task.progress.bytes,
      total_bytes: task.progress.totalBytes,
      result: jsonOf(task.result),
      reason: task.reason ?? null,
      cancel_asked: task.cancelAsked ? 1 : 0,
      created_at: task.createdAt,
      started_at: task.startedAt ?? null,
      ended_at: task.endedAt ?? null,
      worker: null,
      due_at: 0,
    })
    .execute()
  const open = task.state === 'waiting' || task.state === 'running'
  if (open && task.setId !== undefined && (task.kind === 'verify' || task.kind === 'restore')) {
    await holdForGood(trx, database, needNumber(task.setId, 'set'), taskOwner(id))
  }
}
