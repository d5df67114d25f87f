import pg from 'pg'
import type { DrilledDatabase, DrilledTable } from '../../core/drill.ts'
import { Fault } from '../../core/fault.ts'
import type { Ask } from './ask.ts'
import { checkIndex } from './drill-index.ts'

/** What one database was found to be. */
export interface DatabaseFindings {
  readonly database: DrilledDatabase
  readonly problems: readonly string[]
  /** What could not be judged on this machine, and says nothing of the set. */
  readonly warnings: readonly string[]
}

interface Relation {
  readonly oid: number
  /** Quoted, with its schema. */
  readonly name: string
  readonly kind: 'table' | 'toast' | 'index'
  /** Whether amcheck knows its access method: that of tables by extensions (columnar ones) it refuses. */
  readonly checkable: boolean
  /** False for a materialised view that was never filled: the server lets nobody read it. */
  readonly filled: boolean
}

/**
 * Settings of a database or role must not cut a check short, and no trigger of theirs runs. Functions that indexes are made by, and that
 * need the search_path of their users, find what they call in whatever schema it is.
 */
const CALM = `
  set lock_timeout = 0; set default_transaction_read_only = off; set session_replication_role = replica; set row_security = off;
  select set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), string_agg(quote_ident(nspname), ', ')), false)
  from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`

const RELATIONS_SQL = `
  select c.oid::bigint::text as oid, format('%I.%I', n.nspname, c.relname) as name,
    case c.relkind when 'i' then 'index' when 't' then 'toast' else 'table' end as kind,
    c.relispopulated as filled, a.amname in ('heap', 'btree') as checkable
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_am a on a.oid = c.relam
    left join pg_index i on i.indexrelid = c.oid
  where c.relpersistence <> 't'
    and (c.relkind in ('r', 'm', 't') or (c.relkind = 'i' and a.amname = 'btree' and i.indisvalid and i.indisready))
  order by n.nspname, c.relname`

/**
 * Checks every relation of the database that `ask` asks, and counts the rows of every table. What is wrong with a relation is a
 * problem that names it, and the others are checked all the same; only a server that breaks off ends it.
 */
export async function drillDatabase(ask: Ask, database: string): Promise<DatabaseFindings> {
  await ask(CALM)
  const schema = await amcheckIn(ask)
  const all = (await ask<Omit<Relation, 'oid'> & { oid: string }>(RELATIONS_SQL)).map((row) => ({
    ...row,
    oid: Number(row.oid),
  }))
  const relations = all.filter(({ kind }) => kind !== 'index')
  const indexes = schema === undefined ? [] : all.filter(({ kind }) => kind === 'index')
  const tables: DrilledTable[] = []
  const problems: string[] = []
  const warnings: string[] = []
  const guarded = async (relation: Relation, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      problems.push(`${relation.name} in database ${database}: ${(error as Error).message}`)
      if (Fault.is(error, 'instance_unreachable')) throw new Lost()
    }
  }
  try {
    for (const relation of relations) {
      const checked = schema !== undefined && relation.checkable
      if (checked) await guarded(relation, () => checkHeap(ask, schema, relation, database, problems))
      if (relation.kind === 'toast') continue
      await guarded(relation, async () => {
        tables.push({ name: relation.name, rows: await rowsOf(ask, relation, !checked) })
      })
    }
    for (const index of indexes) {
      await guarded(index, async () => {
        const found = await checkIndex(ask, schema ?? '', index.oid)
        if (found) (found.blamed ? problems : warnings).push(`${index.name} in database ${database}: ${found.message}`)
      })
    }
  } catch (error) {
    if (!(error instanceof Lost)) throw error
  }
  const check = schema === undefined ? 'read' : 'amcheck'
  const counted = { relations: relations.length, indexes: indexes.length, tables }
  return { database: { name: database, check, ...counted }, problems, warnings }
}

/** The server broke off: nothing more can be asked on this connection. */
class Lost extends Error {}

/** The schema of the extension amcheck, made if need be: the server is nobody's. Undefined when this machine does not have it. */
async function amcheckIn(ask: Ask): Promise<string | undefined> {
  const [available] = await ask(`select 1 from pg_available_extensions where name = 'amcheck'`)
  if (!available) return undefined
  await ask('create extension if not exists amcheck with schema pg_catalog')
  // One that came with an old dump may lack what we call.
  await ask('alter extension amcheck update')
  const [row] = await ask<{ schema: string }>(
    `select nspname as schema from pg_extension e join pg_namespace n on n.oid = extnamespace where extname = 'amcheck'`,
  )
  return row && pg.escapeIdentifier(row.schema)
}

interface Corruption {
  readonly blkno: string | null
  readonly offnum: number | null
  readonly msg: string
}

async function checkHeap(ask: Ask, schema: string, { oid, name }: Relation, database: string, problems: string[]) {
  const found = await ask<Corruption>(
    `select blkno, offnum, msg from ${schema}.verify_heapam($1::oid::regclass, check_toast := true) limit 20`,
    [oid],
  )
  for (const { blkno, offnum, msg } of found) {
    const where = [...(blkno === null ? [] : [`block ${blkno}`]), ...(offnum === null ? [] : [`item ${offnum}`])]
    problems.push(`${[`${name} in database ${database}`, ...where].join(', ')}: ${msg}`)
  }
}

/** How many rows a table has. `whole`: every value of every row is read, too, those that lie apart (TOAST) included. */
async function rowsOf(ask: Ask, { name, filled }: Relation, whole: boolean): Promise<number> {
  if (!filled) return 0
  const read = whole ? ', sum(length(holdfast_row::text)) as length' : ''
  const [row] = await ask<{ rows: string }>(`select count(*) as rows${read} from only ${name} holdfast_row`)
  return Number(row?.rows ?? 0)
}
