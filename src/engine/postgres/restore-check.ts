import pg from 'pg'
import type { NodeAddress } from '../../core/instance.ts'
import type { Options } from '../../lib/streams.ts'
import type { Ask } from './ask.ts'
import { connect, inDatabaseOf } from './connect.ts'

/** At most so many indexes of a database are named one by one; above it the whole database is. */
const NAMED = 200

/**
 * What only the restored, started server can tell of its fitness, in plain words, each with the statements that mend it:
 * databases that refuse connections, text sorted by another version of a collation than this machine's, with the indexes
 * to rebuild, and extensions whose files are not here. Empty when all is well. Changes nothing.
 */
export async function checkRestored(address: NodeAddress, { signal }: Options = {}): Promise<string[]> {
  const options = { signal, own: true }
  await using connection = await connect(address, options)
  const databases = await connection.ask<DatabaseRow>(DATABASES_SQL)
  const inDatabase = inDatabaseOf(address, options)
  const all: string[] = []
  for (const { name } of databases) {
    try {
      all.push(...(await inDatabase(name, (ask) => checkDatabase(ask, name))))
    } catch (error) {
      signal?.throwIfAborted()
      all.push(`database ${pg.escapeIdentifier(name)} cannot be used: ${(error as Error).message}`)
    }
  }
  return all
}

interface DatabaseRow {
  readonly name: string
}

const DATABASES_SQL = `select datname as name from pg_database where datallowconn order by 1`

async function checkDatabase(ask: Ask, database: string): Promise<string[]> {
  const mismatches = await mismatchesIn(ask)
  const extensions = await ask<{ name: string }>(MISSING_EXTENSIONS_SQL)
  const missing = extensions.map(
    ({ name }) => `database ${pg.escapeIdentifier(database)} uses the extension ${name}, which is not installed here`,
  )
  if (mismatches.length === 0) return missing
  const indexes = await ask<{ name: string }>(INDEXES_SQL, [mismatches.map(({ oid }) => oid)])
  return [mismatchWarning(database, mismatches, indexes), ...missing]
}

/** The collations of a database that something is sorted by, and of which this machine has another version. */
export async function mismatchesIn(ask: Ask): Promise<readonly MismatchRow[]> {
  const [version] = await ask<{ number: number }>(`select current_setting('server_version_num')::int as number`)
  // The version of a database's own is known since 15.
  const own = (version?.number ?? 0) >= 150_000 ? await ask<MismatchRow>(OWN_MISMATCH_SQL) : []
  return [...own, ...(await ask<MismatchRow>(NAMED_MISMATCH_SQL))]
}

interface MismatchRow {
  /** Of the collation; 100 for the database's own. */
  readonly oid: number
  readonly name: string
  readonly recorded: string
  readonly actual: string
  /** The statement that takes note of the new version, once indexes are rebuilt. */
  readonly refresh: string
}

const OWN_MISMATCH_SQL = `
  select 100::int as oid, 'its own' as name, datcollversion as recorded,
    coalesce(pg_database_collation_actual_version(oid), 'none') as actual,
    format('ALTER DATABASE %I REFRESH COLLATION VERSION;', datname) as refresh
  from pg_database
  where datname = current_database()
    and datcollversion is distinct from pg_database_collation_actual_version(oid) and datcollversion is not null`

/** Only those that something is sorted by: every machine has hundreds of others. */
const NAMED_MISMATCH_SQL = `
  select c.oid::int as oid, c.collname as name, c.collversion as recorded,
    coalesce(pg_collation_actual_version(c.oid), 'none') as actual,
    format('ALTER COLLATION %I.%I REFRESH VERSION;', n.nspname, c.collname) as refresh
  from pg_collation c join pg_namespace n on n.oid = c.collnamespace
  where c.collversion is not null and c.collversion is distinct from pg_collation_actual_version(c.oid)
    and exists (select from pg_index i where c.oid = any (i.indcollation))
  order by n.nspname, c.collname`

const INDEXES_SQL = `
  select indexrelid::regclass::text as name
  from pg_index i where i.indcollation::oid[] && ($1::int[])::oid[]
  order by 1`

const MISSING_EXTENSIONS_SQL = `
  select extname as name from pg_extension e
  where not exists (select from pg_available_extensions a where a.name = e.extname) order by 1`

function mismatchWarning(
  database: string,
  mismatches: readonly MismatchRow[],
  indexes: readonly { name: string }[],
): string {
  const name = pg.escapeIdentifier(database)
  const versions = mismatches.map((one) => `${one.name} (${one.recorded} there, ${one.actual} here)`)
  const rebuild =
    indexes.length > NAMED ? [`REINDEX DATABASE ${name};`] : indexes.map((index) => `REINDEX INDEX ${index.name};`)
  const refresh = mismatches.map((one) => one.refresh)
  return (
    `database ${name}: text was sorted by other versions of collations than this machine has: ${versions.join(', ')}. ` +
    `Indexes may be in the wrong order, and queries may miss rows, until you run in it: ${[...rebuild, ...refresh].join(' ')}`
  )
}
