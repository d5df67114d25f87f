import { askIfAllowed, type Ask } from './ask.ts'

/** About how much there is to read. */
export interface SizeEstimate {
  readonly files: number
  readonly bytes: number
}

/**
 * About how many files the relations of a database have, three forks each at the most, and their bytes at the last vacuum: from its
 * catalog alone, without a look at a file. Nothing where our role may not ask.
 */
export async function estimateSize(inside: Ask): Promise<SizeEstimate> {
  const rows = await askIfAllowed<SizeEstimate>(inside, ESTIMATE_SQL)
  return rows?.[0] ?? { files: 0, bytes: 0 }
}

const ESTIMATE_SQL = `
  select
    (count(*) * 3)::float8 as files,
    (coalesce(sum(greatest(relpages, 0)::int8), 0) * current_setting('block_size')::int8)::float8 as bytes
  from pg_class where relkind in ('r', 'i', 't', 'm', 'S')`
