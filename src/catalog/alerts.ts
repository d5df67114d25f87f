import { sql, type Selectable } from 'kysely'
import type { Alert, AlertKind, Condition } from '../core/alert.ts'
import type { Moment } from '../lib/clock.ts'
import type { Page } from './catalog.ts'
import { isOneOf, type Database, type Deps } from './database.ts'
import { nextId } from './ids.ts'
import type { AlertsTable } from './tables.ts'

export interface AlertQuery {
  readonly kind?: AlertKind | undefined
  /** Of these instances only, and then none that are of no instance. */
  readonly instanceIds?: readonly string[] | undefined
  /** Only those that last, or only those that are over. */
  readonly resolved?: boolean | undefined
  readonly offset: number
  readonly limit: number
}

/** How it goes with one receiver of alerts. */
export interface ReceiverState {
  readonly name: string
  /** When it last took a message; undefined for never. */
  readonly toldAt: Moment | undefined
  /** Since when it takes none, and why; undefined while it does. */
  readonly failing: { readonly since: Moment; readonly why: string } | undefined
}

/** Spelled out, not bound: only so does SQLite see that the index of open alerts will do. */
const IS_OPEN = sql<boolean>`open = 1`

/** Alerts that are over are remembered for so long. */
const FORGET_MS = 90 * 86_400_000

/** Alerts, and who was told of them. */
export interface AlertCatalog {
  /**
   * Whether `holder` has the turn to do what `name` says for the next `ttlMs`: one holder at a time. It has it again and again while it
   * asks in time; whoever stops asking loses it.
   */
  takeTurn(name: string, holder: string, ttlMs: number): Promise<boolean>
  /** Those that last, and those that are over and that somebody has still to hear of. By id. */
  openAlerts(): Promise<readonly Alert[]>
  /** Adds an alert for each condition that has none that lasts, and gives those. */
  raiseAlerts(conditions: readonly Condition[], at: Moment): Promise<readonly Alert[]>
  /** Writes what became of alerts; `open` as in `openAlerts`. Forgets those that were over long before `at`. */
  saveAlerts(alerts: readonly (Alert & { readonly open: boolean })[], at: Moment): Promise<void>
  /** Newest first: raised descending, then id descending. */
  alerts(query: AlertQuery): Promise<Page<Alert>>
  receivers(): Promise<readonly ReceiverState[]>
  saveReceiver(state: ReceiverState): Promise<void>
  /** How many last, by kind; kinds without any are left out. */
  alertFigures(): Promise<readonly { readonly kind: AlertKind; readonly count: number }[]>
}

export const alertMethods = (deps: Deps): AlertCatalog => ({
  ...turnMethods(deps),
  ...alertReaders(deps),
  ...alertWriters(deps),
  ...receiverMethods(deps),
})

const turnMethods = ({ database }: Deps): Pick<AlertCatalog, 'takeTurn'> => ({
  takeTurn: (name, holder, ttlMs) =>
    database.write(async (trx) => {
      const taken = await trx
        .insertInto('turns')
        .values((of) => ({ name, holder, until: of(database.now(), '+', ttlMs) }))
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet((of) => ({ holder: of.ref('excluded.holder'), until: of.ref('excluded.until') }))
            .where((of) =>
              of.or([of('turns.until', '<=', database.now()), of('turns.holder', '=', of.ref('excluded.holder'))]),
            ),
        )
        .returning('name')
        .executeTakeFirst()
      return taken !== undefined
    }),
})

const alertReaders = ({ database }: Deps): Pick<AlertCatalog, 'openAlerts' | 'alerts' | 'alertFigures'> => ({
  openAlerts: async () => {
    const rows = await database.read((db) => db.selectFrom('alerts').selectAll().where(IS_OPEN).orderBy('id').execute())
    return rows.map(alertOf)
  },

  alerts: async (query) => {
    const matching = filtered(database, query)
    const { count } = await database.read(() =>
      matching.select((all) => all.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
    )
    const rows = await database.read(() =>
      matching
        .selectAll()
        .orderBy('raised_at', 'desc')
        .orderBy('id', 'desc')
        .limit(query.limit)
        .offset(query.offset)
        .execute(),
    )
    return { total: Number(count), items: rows.map(alertOf) }
  },

  alertFigures: async () => {
    const rows = await database.read((db) =>
      db
        .selectFrom('alerts')
        .select('kind')
        .select((all) => all.fn.countAll<number>().as('count'))
        .where('resolved_at', 'is', null)
        .groupBy('kind')
        .orderBy('kind')
        .execute(),
    )
    return rows.map(({ kind, count }) => ({ kind, count: Number(count) }))
  },
})

const filtered = ({ db }: Database, { kind, instanceIds, resolved }: AlertQuery) =>
  db
    .selectFrom('alerts')
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? 'backup-failed'))
    .$if(instanceIds !== undefined, (query) => query.where(isOneOf('instance_id', instanceIds ?? [])))
    .$if(resolved !== undefined, (query) => query.where('resolved_at', resolved ? 'is not' : 'is', null))

const alertWriters = ({ database }: Deps): Pick<AlertCatalog, 'raiseAlerts' | 'saveAlerts'> => ({
  raiseAlerts: (conditions, at) =>
    database.write(async (trx) => {
      const raised: Alert[] = []
      for (const { kind, subject, instanceId, what, hint } of conditions) {
        const row = { kind, subject, instance_id: instanceId ?? null, what, hint }
        const added = await trx
          .insertInto('alerts')
          .values({ ...row, id: await nextId(trx, database), raised_at: at, told: '{}', open: 1 })
          .onConflict((conflict) => conflict.columns(['kind', 'subject']).where('resolved_at', 'is', null).doNothing())
          .returningAll()
          .executeTakeFirst()
        if (added) raised.push(alertOf(added))
      }
      return raised
    }),

  saveAlerts: (alerts, at) =>
    database.write(async (trx) => {
      for (const { id, what, hint, missingSince, resolvedAt, told, open } of alerts) {
        await trx
          .updateTable('alerts')
          .set({
            what,
            hint,
            missing_since: missingSince ?? null,
            resolved_at: resolvedAt ?? null,
            told: JSON.stringify(told),
            open: open ? 1 : 0,
          })
          .where('id', '=', Number(id))
          .execute()
      }
      await trx
        .deleteFrom('alerts')
        .where('open', '=', 0)
        .where('raised_at', '<', at - FORGET_MS)
        .where('resolved_at', '<', at - FORGET_MS)
        .execute()
    }),
})

const receiverMethods = ({ database }: Deps): Pick<AlertCatalog, 'receivers' | 'saveReceiver'> => ({
  receivers: async () => {
    const rows = await database.read((db) => db.selectFrom('alert_receivers').selectAll().orderBy('name').execute())
    return rows.map((row) => ({
      name: row.name,
      toldAt: row.told_at ?? undefined,
      failing: row.failing_since === null ? undefined : { since: row.failing_since, why: row.failure ?? '' },
    }))
  },

  saveReceiver: async ({ name, toldAt, failing }) => {
    const row = { told_at: toldAt ?? null, failing_since: failing?.since ?? null, failure: failing?.why ?? null }
    await database.write((trx) =>
      trx
        .insertInto('alert_receivers')
        .values({ name, ...row })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute(),
    )
  },
})

const alertOf = (row: Selectable<AlertsTable>): Alert => ({
  id: String(row.id),
  kind: row.kind,
  subject: row.subject,
  instanceId: row.instance_id ?? undefined,
  what: row.what,
  hint: row.hint,
  raisedAt: row.raised_at,
  missingSince: row.missing_since ?? undefined,
  resolvedAt: row.resolved_at ?? undefined,
  told: JSON.parse(row.told) as Alert['told'],
})
