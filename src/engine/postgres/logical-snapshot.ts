import pg from 'pg'
import type { NodeAddress } from '../../core/instance.ts'
import type { LogicalDatabase } from '../../core/manifest.ts'
import type { Options } from '../../lib/streams.ts'
import { Fault } from '../../core/fault.ts'
import { sqlState, type Ask } from './ask.ts'
import { connect } from './connect.ts'

/** One database held still: what pg_dump shall read, and what is known of exactly that. */
export interface Snapshot extends AsyncDisposable {
  /** For `pg_dump --snapshot`; good until disposed. */
  readonly id: string
  readonly facts: Omit<LogicalDatabase, 'part'>
}

interface DatabaseRow {
  readonly snapshot: string
  readonly snapshot_at: string
  readonly lsn: string
  readonly name: string
  readonly oid: string
  readonly owner: string
  readonly encoding: string
  readonly tablespace: string
  readonly size: string
  readonly row: Readonly<Record<string, unknown>>
}

/** pg_export_snapshot comes first: all that follows is seen in it. */
const DATABASE_SQL = `
  select
    pg_export_snapshot() as snapshot,
    floor(extract(epoch from clock_timestamp()) * 1000)::text as snapshot_at,
    (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end)::text as lsn,
    datname as name, oid::text as oid, pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding,
    (select spcname from pg_tablespace t where t.oid = dattablespace) as tablespace,
    -- Whoever may connect to a database may know its size.
    pg_database_size(oid)::text as size,
    to_jsonb(d) as row
  from pg_database d where datname = current_database()`

/** Of 15 and newer. */
const COLLATION_VERSION_SQL =
  'select pg_database_collation_actual_version(oid) as version from pg_database where datname = current_database()'

/**
 * Roles that the dump names: owners and those with rights, as the server notes them for its dependencies. It notes none of the
 * role that initdb made, so what that owns is looked for.
 */
const ROLES_SQL = `
  select rolname::text as name from pg_roles where oid in (
    select refobjid from pg_shdepend
    where refclassid = 'pg_authid'::regclass
      and dbid in (0, (select oid from pg_database where datname = current_database()))
      and (dbid <> 0 or (classid = 'pg_database'::regclass
        and objid = (select oid from pg_database where datname = current_database())))
    union select datdba from pg_database where datname = current_database()
    union select setrole from pg_db_role_setting
      where setdatabase = (select oid from pg_database where datname = current_database()) and setrole <> 0
    union select 10 where exists (
      select from pg_class c where relowner = 10 and c.oid >= 16384 and relkind in ('r', 'v', 'm', 'S', 'f', 'p')
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      union all select from pg_proc p where proowner = 10 and p.oid >= 16384
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
      union all select from pg_type t where typowner = 10 and t.oid >= 16384 and typrelid = 0 and typelem = 0
        and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
      union all select from pg_namespace n where nspowner = 10 and n.oid >= 16384 and nspname !~ '^pg_'
      union all select from pg_largeobject_metadata where lomowner = 10)
  ) and rolname !~ '^pg_'
  order by 1`

const EXTENSIONS_SQL = `
  select extname::text as name, extversion as version from pg_extension where extname <> 'plpgsql' order by 1`

const TABLESPACES_SQL = `
  select spcname::text as name from pg_tablespace
  where oid in (select reltablespace from pg_class union select dattablespace from pg_database where datname = current_database())
    and spcname not in ('pg_default', 'pg_global')
  order by 1`

/** Takes a snapshot of a database and holds it. Fault 'instance_unready' when our role may not connect there. */
export async function takeSnapshot(address: NodeAddress, database: string, options: Options = {}): Promise<Snapshot> {
  const connection = await enter(address, database, options)
  try {
    const { ask } = connection
    await ask('begin isolation level repeatable read read only')
    const [row] = await ask<DatabaseRow>(DATABASE_SQL)
    if (!row) throw new Fault('not_found', `dump database ${pg.escapeIdentifier(database)}: it is gone`)
    return {
      id: row.snapshot,
      facts: await factsOf(row, ask),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    }
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

async function enter(address: NodeAddress, database: string, options: Options) {
  try {
    return await connect(address, { ...options, database })
  } catch (cause) {
    if (sqlState(cause) !== '42501') throw cause
    const [name, role] = [pg.escapeIdentifier(database), pg.escapeIdentifier(address.user)]
    throw new Fault('instance_unready', `dump database ${name}: the role ${role} may not enter it`, {
      cause,
      hint: `Run: GRANT CONNECT ON DATABASE ${name} TO ${role};`,
    })
  }
}

async function factsOf(row: DatabaseRow, ask: Ask): Promise<Snapshot['facts']> {
  const names = async (sql: string) => (await ask<{ name: string }>(sql)).map(({ name }) => name)
  const [known] = 'datcollversion' in row.row ? await ask<{ version: string | null }>(COLLATION_VERSION_SQL) : []
  return {
    name: row.name,
    oid: row.oid,
    owner: row.owner,
    encoding: row.encoding,
    collation: { ...collationOf(row.row), version: known?.version ?? '' },
    tablespace: row.tablespace,
    tablespaces: await names(TABLESPACES_SQL),
    roles: await names(ROLES_SQL),
    extensions: await ask<{ name: string; version: string }>(EXTENSIONS_SQL),
    snapshotAt: Number(row.snapshot_at),
    lsn: row.lsn,
    size: Number(row.size),
  }
}

const PROVIDERS: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin' }
const text = (...values: readonly unknown[]): string =>
  values.find((value): value is string => typeof value === 'string') ?? ''

/** ICU and built-in locales are in `daticulocale` in 15 and 16, in `datlocale` since 17. */
function collationOf(row: DatabaseRow['row']) {
  const letter = text(row['datlocprovider'], 'c')
  const provider = PROVIDERS[letter] ?? letter
  const own = provider === 'libc' ? row['datcollate'] : (row['datlocale'] ?? row['daticulocale'])
  return { provider, locale: text(own, row['datcollate']), ctype: text(row['datctype']) }
}
