import pg from 'pg'
import type { Ask } from './ask.ts'

/** The relations of one piece of a database. */
export interface Selection {
  readonly schema: string
  /** The one table that is wanted; undefined for a whole schema. */
  readonly table: string | undefined
  /** Names of what has rows or a value: the table, its partitions, the sequences that belong to them. None for a whole schema. */
  readonly tables: readonly string[]
  /** Names that the tables have when the wanted one is called `as`. */
  renamed(as: string | undefined): readonly string[]
}

interface Row {
  readonly name: string
}

/** A table's partitions and those that belong to them; one in another schema is not found by its name, and is left out. */
const TABLES_SQL = `
  with recursive tree as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where nspname = $1 and relname = $2 and relkind in ('r', 'p', 'm', 'v', 'f')
    union
    select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
      join pg_class c on c.oid = i.inhrelid and c.relispartition
  )
  select relname::text as name, relkind = 'S' as sequence from pg_class
  where oid in (select oid from tree)
    or relkind = 'S' and oid in (
      select objid from pg_depend where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass
        and refobjid in (select oid from tree) and deptype in ('a', 'i'))
  order by relname <> $2, 1`

const SCHEMA_SQL = 'select nspname::text as name from pg_namespace where nspname = $1'

/** The piece as it lies in a database; undefined when there is none. */
export async function selectionOf(ask: Ask, schema: string, table: string | undefined): Promise<Selection | undefined> {
  if (table === undefined) {
    const found = await ask<Row>(SCHEMA_SQL, [schema])
    return found.length === 0 ? undefined : { schema, table, tables: [], renamed: () => [] }
  }
  const rows = await ask<Row & { sequence: boolean }>(TABLES_SQL, [schema, table])
  if (rows.length === 0) return undefined
  const own = rows.filter(({ sequence }) => !sequence).map(({ name }) => name)
  return {
    schema,
    table,
    tables: rows.map(({ name }) => name),
    renamed: (as) => (as === undefined ? own : own.map((name) => newName(name, table, as))),
  }
}

const LONGEST = 63

/** The name of what belongs to a table, when that is called otherwise: two tables of one schema share no name of an index. */
export function newName(name: string, table: string, as: string): string {
  const wanted = name.startsWith(table) ? as + name.slice(table.length) : `${as}_${name}`
  let cut = wanted
  while (Buffer.byteLength(cut) > LONGEST) cut = cut.slice(0, -1)
  return cut
}

/** All that has a name of its own in the schema and belongs to these tables, with the word that ALTER wants. */
const BELONGING_SQL = `
  with tables as (
    select c.oid, relname, relkind from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = $1 and relname = any ($2)
  )
  select relname::text as name,
    case relkind when 'S' then 'SEQUENCE' when 'm' then 'MATERIALIZED VIEW' when 'v' then 'VIEW' when 'f' then 'FOREIGN TABLE' else 'TABLE' end as kind
  from tables
  union all select c.relname, 'INDEX' from pg_index i join pg_class c on c.oid = indexrelid where indrelid in (select oid from tables)
  union all select stxname, 'STATISTICS' from pg_statistic_ext where stxrelid in (select oid from tables)`

/** Gives a piece its new name, and what belongs to it names that go with it. */
export async function renamePiece(ask: Ask, { schema, table, tables }: Selection, as: string): Promise<void> {
  if (table === undefined) {
    await ask(`alter schema ${pg.escapeIdentifier(schema)} rename to ${pg.escapeIdentifier(as)}`)
    return
  }
  const all = await ask<{ name: string; kind: string }>(BELONGING_SQL, [schema, tables])
  for (const { name, kind } of all) {
    const from = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
    await ask(`alter ${kind} ${from} rename to ${pg.escapeIdentifier(newName(name, table, as))}`)
  }
}
