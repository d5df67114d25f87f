import { askIfAllowed, type Ask } from './ask.ts'
import type { InDatabase } from './facts.ts'

/** About how many files the relations of all databases have, from the catalogs alone: three forks each at the most. */
export async function countFiles(ask: Ask, inDatabase: InDatabase): Promise<number> {
  const databases = await ask<{ name: string }>(
    "select datname as name from pg_database where datallowconn and has_database_privilege(oid, 'CONNECT')",
  )
  let files = 0
  for (const { name } of databases) {
    const rows = await inDatabase(name, (inside) => askIfAllowed<{ count: number }>(inside, COUNT_SQL)).catch(
      () => undefined,
    )
    files += rows?.[0]?.count ?? 0
  }
  return files
}

const COUNT_SQL = "select (count(*) * 3)::float8 as count from pg_class where relkind in ('r', 'i', 't', 'm', 'S')"
