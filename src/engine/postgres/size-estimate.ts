import { askIfAllowed, type Ask, type InDatabase } from './ask.ts'

/** About how much there is to read. */
export interface SizeEstimate {
  readonly files: number
  readonly bytes: number
}

/**
 * About how many files the relations of all databases have, three forks each at the most, and their bytes at the last vacuum:
 * from the catalogs alone, without a look at a file. A database that refuses us counts as empty.
 */
export async function estimateSize(ask: Ask, inDatabase: InDatabase): Promise<SizeEstimate> {
  const databases = await ask<{ name: string }>(
    "select datname as name from pg_database where datallowconn and has_database_privilege(oid, 'CONNECT')",
  )
  let [files, bytes] = [0, 0]
  for (const { name } of databases) {
    const rows = await inDatabase(name, (inside) => askIfAllowed<SizeEstimate>(inside, ESTIMATE_SQL)).catch(
      () => undefined,
    )
    files += rows?.[0]?.files ?? 0
    bytes += rows?.[0]?.bytes ?? 0
  }
  return { files, bytes }
}

const ESTIMATE_SQL = `
  select
    (count(*) * 3)::float8 as files,
    (coalesce(sum(greatest(relpages, 0)::int8), 0) * current_setting('block_size')::int8)::float8 as bytes
  from pg_class where relkind in ('r', 'i', 't', 'm', 'S')`
