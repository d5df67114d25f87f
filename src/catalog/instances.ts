import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Instance, InstanceSettings } from '../core/instance.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Catalog, InstanceQuery, NewInstance, Page } from './catalog.ts'
import { asked, isOneOf, type Deps, type Story } from './database.ts'
import { nodeOf } from './nodes.ts'
import type { InstancesTable, NodesTable, Tables } from './tables.ts'

type Methods = 'instance' | 'instances' | 'instanceVersion'

const VERSION = 'select version from instances where id = ?'

/** The readers of instances. */
export const instanceReaders = ({ database, sealer }: Deps): Pick<Catalog, Methods> => ({
  instance: (id) => database.hot(() => instanceById(database.db, sealer, id)),
  instances: (query) => database.hot(() => instancesOf(database.db, sealer, query)),
  instanceVersion: async (id) => {
    const [row] = await database.ask({ sql: VERSION, values: [id] })
    return row?.['version'] as number | undefined
  },
})

/** One instance with its nodes, as questions for `hot`, or asked one by one in a transaction. */
export function* instanceById(db: Kysely<Tables>, sealer: Sealer, id: string): Story<Instance | undefined> {
  const rows = yield asked(db.selectFrom('instances').selectAll().where('id', '=', id))
  return (yield* withNodes(db, sealer, rows as unknown as readonly Selectable<InstancesTable>[]))[0]
}

/** The same in a transaction that is writing. Fault 'not_found' when there is none. */
export async function needInstance(trx: Transaction<Tables>, sealer: Sealer, id: string): Promise<Instance> {
  const row = await trx.selectFrom('instances').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw noInstance(id)
  const nodes = await trx.selectFrom('nodes').selectAll().where('instance_id', '=', id).orderBy('id').execute()
  return instanceOf(row, nodes, sealer)
}

export const noInstance = (id: string): Fault => new Fault('not_found', `no instance ${id}`)

function* instancesOf(db: Kysely<Tables>, sealer: Sealer, query: InstanceQuery): Story<Page<Instance>> {
  const matching = filtered(db, query)
  const [counted] = yield asked(matching.select((all) => all.fn.countAll<number>().as('count')))
  const rows = yield asked(matching.selectAll().orderBy('id').limit(query.limit).offset(query.offset))
  const items = yield* withNodes(db, sealer, rows as unknown as readonly Selectable<InstancesTable>[])
  return { total: Number(counted?.['count']), items }
}

function filtered(db: Kysely<Tables>, { id, ids, notIds, made, engine, search, registeredOnly }: InstanceQuery) {
  return db
    .selectFrom('instances')
    .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
    .$if(ids !== undefined, (query) => query.where(isOneOf('id', ids ?? [])))
    .$if(notIds !== undefined && notIds.length > 0, (query) =>
      query.where((build) => build.not(isOneOf('id', notIds ?? []))),
    )
    .$if(made !== undefined, (query) =>
      query.where(sql<boolean>`${sql.raw(made ? 'exists' : 'not exists')} (${HAS_NODE})`),
    )
    .$if(engine !== undefined, (query) => query.where('engine', '=', engine as InstancesTable['engine']))
    .$if(search !== undefined, (query) => {
      const like = `%${(search ?? '').toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
      return query.where(
        sql<boolean>`(lower(id) like ${like} escape '\\' or lower(description) like ${like} escape '\\')`,
      )
    })
    .$if(registeredOnly, (query) => query.where('deregistered_at', 'is', null))
}

/** Only an instance that a clone still makes has none. */
const HAS_NODE = sql`select 1 from nodes where nodes.instance_id = instances.id`

function* withNodes(
  db: Kysely<Tables>,
  sealer: Sealer,
  rows: readonly Selectable<InstancesTable>[],
): Story<readonly Instance[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const found = yield asked(db.selectFrom('nodes').selectAll().where('instance_id', 'in', ids).orderBy('id'))
  const nodes = Map.groupBy(found as unknown as readonly Selectable<NodesTable>[], (node) => node.instance_id)
  return rows.map((row) => instanceOf(row, nodes.get(row.id) ?? [], sealer))
}

function instanceOf(
  row: Selectable<InstancesTable>,
  nodes: readonly Selectable<NodesTable>[],
  sealer: Sealer,
): Instance {
  const all = nodes.map((node) => nodeOf(node, sealer))
  return {
    id: row.id,
    engine: row.engine,
    engineVersion: row.engine_version,
    description: row.description,
    settings: JSON.parse(row.settings) as InstanceSettings,
    systemIdentifier: row.system_identifier ?? undefined,
    createdAt: row.created_at,
    deregisteredAt: row.deregistered_at ?? undefined,
    version: row.version,
    nodes: [...all.filter(({ role }) => role === 'primary'), ...all.filter(({ role }) => role === 'replica')],
  }
}

/** The columns of a new instance, or of one that is taken up again. */
export const instanceRow = (instance: NewInstance) => ({
  engine: instance.engine,
  engine_version: instance.engineVersion,
  description: instance.description,
  settings: JSON.stringify(instance.settings),
  system_identifier: instance.systemIdentifier ?? null,
  created_at: instance.createdAt,
  deregistered_at: instance.deregisteredAt ?? null,
})
