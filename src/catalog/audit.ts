import { sql } from 'kysely'
import type { AuditOutcome, AuditRecord } from '../core/audit.ts'
import type { Moment } from '../lib/clock.ts'
import { auditOf, auditRow } from './audit-rows.ts'
import type { Page } from './catalog.ts'
import type { Database, Deps } from './database.ts'

export interface AuditQuery {
  /** Bounds of the record's moment: from the first, to before the second. */
  readonly from?: Moment | undefined
  readonly before?: Moment | undefined
  /** The key itself, or the one that made it. */
  readonly keyId?: string | undefined
  readonly action?: string | undefined
  readonly instanceId?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  readonly offset: number
  readonly limit: number
}

/** The audit of what was changed. Records of changes are written by the changes themselves: see `Once`. */
export interface AuditCatalog {
  /**
   * Adds a record that no change carries: of a call that was refused. One whose change was done before it failed stays done, and
   * gets the code.
   */
  addAuditRecord(record: AuditRecord): Promise<void>
  /** Newest first: moment descending, then RequestId descending. */
  auditRecords(query: AuditQuery): Promise<Page<AuditRecord>>
  /** Removes the records from before `before`, and gives how many. */
  forgetAudit(before: Moment): Promise<number>
}

export const auditMethods = ({ database }: Deps): AuditCatalog => ({
  addAuditRecord: async (record) => {
    await database.write((trx) =>
      trx
        .insertInto('audit_records')
        .values(auditRow(record))
        .onConflict((conflict) => conflict.column('request_id').doUpdateSet({ code: record.code }))
        .execute(),
    )
  },

  auditRecords: async (query) => {
    const matching = filtered(database, query)
    const { count } = await database.read(() =>
      matching.select((all) => all.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
    )
    const rows = await database.read(() =>
      matching
        .selectAll()
        .orderBy('at', 'desc')
        .orderBy('request_id', 'desc')
        .limit(query.limit)
        .offset(query.offset)
        .execute(),
    )
    return { total: Number(count), items: rows.map(auditOf) }
  },

  forgetAudit: (before) =>
    database.write(async (trx) => {
      const { numDeletedRows } = await trx
        .deleteFrom('audit_records')
        .where('at', '<', before)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    }),
})

const filtered = ({ db }: Database, { from, before, keyId, action, instanceId, outcome }: AuditQuery) =>
  db
    .selectFrom('audit_records')
    .$if(from !== undefined, (query) => query.where('at', '>=', from ?? 0))
    .$if(before !== undefined, (query) => query.where('at', '<', before ?? 0))
    .$if(keyId !== undefined, (query) =>
      query.where(sql<boolean>`(key_id = ${keyId ?? ''} or parent_key_id = ${keyId ?? ''})`),
    )
    .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
    .$if(instanceId !== undefined, (query) => query.where('instance_id', '=', instanceId ?? ''))
    .$if(outcome !== undefined, (query) => query.where('outcome', '=', outcome ?? 'done'))
