import type { PostgresFacts } from '../../core/manifest.ts'
import type { Ask, InDatabase } from './ask.ts'
import { estimateSize, type SizeEstimate } from './size-estimate.ts'

/** What one database uses: the collations that its text is sorted by, with their versions now, and its extensions. */
export interface DatabaseFacts {
  readonly collations: PostgresFacts['collations']
  readonly extensions: PostgresFacts['extensions']
  /** What its relations take; absent when it refused us. */
  readonly estimate?: SizeEstimate
  /** Why only a part is known; absent when all is. */
  readonly refusal?: string
}

/** A row of pg_database as JSON, since its columns differ between versions. */
interface DatabaseRow {
  readonly name: string
  readonly connectable: boolean
  readonly row: Readonly<Record<string, unknown>>
}

const DATABASES_SQL = `
  select datname as name, datallowconn and has_database_privilege(oid, 'CONNECT') as connectable, to_jsonb(d) as row
  from pg_database d order by datname`

/** Asks each database for its own; one that refuses us is said, and what the shared catalog tells of it is kept. */
export async function readDatabaseFacts(ask: Ask, inDatabase: InDatabase): Promise<DatabaseFacts[]> {
  const databases = await ask<DatabaseRow>(DATABASES_SQL)
  const all: DatabaseFacts[] = []
  for (const database of databases) all.push(await readOne(database, inDatabase))
  return all
}

async function readOne({ name, connectable, row }: DatabaseRow, inDatabase: InDatabase): Promise<DatabaseFacts> {
  // It lets nobody in, holds nothing of a user's, and is sorted like template1.
  if (name === 'template0') return { collations: [], extensions: [] }
  const fallback = { collations: [ownCollation(name, row, '')], extensions: [] }
  if (!connectable) {
    return { ...fallback, refusal: `database ${name} lets us not in: its extensions and collations are not recorded` }
  }
  try {
    return await inDatabase(name, (ask) => readInside(ask, name, row))
  } catch (error) {
    return {
      ...fallback,
      refusal: `database ${name} refused us (${(error as Error).message}): its extensions and collations are not recorded`,
    }
  }
}

async function readInside(ask: Ask, name: string, row: DatabaseRow['row']): Promise<DatabaseFacts> {
  const [own] = await ask<{ version: string | null }>(ownVersionSql(row))
  const used = await ask<{ row: Readonly<Record<string, unknown>>; version: string | null }>(USED_SQL)
  const extensions = await ask<{ name: string; version: string }>(
    'select extname as name, extversion as version from pg_extension order by 1',
  )
  return {
    estimate: await estimateSize(ask),
    collations: [
      ownCollation(name, row, own?.version ?? ''),
      ...used.map((one) => ({ database: name, ...collationIn(one.row), version: one.version ?? '' })),
    ],
    extensions: extensions.map((one) => ({ database: name, ...one })),
  }
}

/** Only 15 and newer tell the version of a database's own collation; before, one of the same locale tells it. */
const ownVersionSql = (row: DatabaseRow['row']): string =>
  'datcollversion' in row
    ? 'select pg_database_collation_actual_version(oid) as version from pg_database where datname = current_database()'
    : `select pg_collation_actual_version(c.oid) as version
       from pg_collation c join pg_database d on c.collprovider = 'c' and c.collcollate = d.datcollate
       where d.datname = current_database() limit 1`

/** Collations that columns and indexes name beside the database's own (100), C (950) and POSIX (951). */
const USED_SQL = `
  select to_jsonb(c) as row, pg_collation_actual_version(c.oid) as version
  from pg_collation c
  where c.oid in (
    select attcollation from pg_attribute where attcollation not in (0, 100, 950, 951)
    union select unnest(indcollation::oid[]) from pg_index
  ) and c.oid not in (0, 100, 950, 951)
  order by c.collname`

const PROVIDERS: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin', d: 'default' }
const provider = (letter: unknown): string => (typeof letter === 'string' ? (PROVIDERS[letter] ?? letter) : 'libc')
const text = (...values: readonly unknown[]): string => {
  const found = values.find((value) => typeof value === 'string' && value !== '')
  return typeof found === 'string' ? found : ''
}

/** ICU and built-in locales are in `daticulocale` in 15 and 16, in `datlocale` since 17. */
function ownCollation(database: string, row: DatabaseRow['row'], version: string) {
  const by = provider(row['datlocprovider'])
  const locale =
    by === 'libc' ? text(row['datcollate']) : text(row['datlocale'], row['daticulocale'], row['datcollate'])
  return { database, provider: by, locale, version }
}

function collationIn(row: Readonly<Record<string, unknown>>) {
  const by = provider(row['collprovider'])
  const locale =
    by === 'libc' ? text(row['collcollate']) : text(row['colllocale'], row['colliculocale'], row['collcollate'])
  return { provider: by, locale }
}
