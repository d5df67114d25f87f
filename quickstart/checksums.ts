import pg from 'pg'

/** What one table, one database's large objects or one sequence holds, in a form that two servers can be compared by. */
export interface Checksum {
  readonly kind: 'table' | 'large objects' | 'sequence'
  readonly database: string
  readonly name: string
  /** Of a sequence: its last value. */
  readonly rows: number
  /** Two 64-bit hashes summed over the rows, so that their order does not matter. */
  readonly digest: string
}

/** Where a server is, for a client of ours. */
export type ClientConfig = pg.ClientConfig

/** A client for `use`, ended afterwards. */
export async function withClient<T>(config: ClientConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config)
  // An error on an idle connection has no other way out; what uses the client fails by itself.
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/**
 * Reads every row of every table that is kept through a crash, every large object and every sequence of every database, and
 * gives a checksum of each. The values are rendered alike on both sides: time zone, float digits and bytea form are set.
 */
export async function checksums(
  config: ClientConfig,
  onTable: (name: string, done: number, total: number) => void = () => {},
): Promise<Checksum[]> {
  const databases = await withClient(config, (client) => column(client, DATABASES))
  const result: Checksum[] = []
  for (const database of databases) {
    const found = await withClient({ ...config, database }, (client) => ofDatabase(client, database, onTable))
    result.push(...found)
  }
  return result
}

const DATABASES = 'select datname from pg_database where datallowconn and not datistemplate order by 1'

const TABLES = `
  select format('%I.%I', nspname, relname) from pg_class join pg_namespace n on n.oid = relnamespace
  where relkind in ('r', 'm') and relpersistence = 'p' and nspname not in ('pg_catalog', 'information_schema')
  order by 1`

const SEQUENCES = `
  select format('%I.%I', nspname, relname) from pg_class join pg_namespace n on n.oid = relnamespace
  where relkind = 'S' order by 1`

const digestOf = (rows: string) => `
  select count(*)::text as rows,
    coalesce(to_hex((sum(hashtextextended(line, 1)) % 9223372036854775807)::bigint)
      || to_hex((sum(hashtextextended(line, 2)) % 9223372036854775807)::bigint), 'empty') as digest
  from (${rows}) as lines(line)`

async function ofDatabase(
  client: pg.Client,
  database: string,
  onTable: (name: string, done: number, total: number) => void,
): Promise<Checksum[]> {
  await client.query(
    `set timezone = 'UTC'; set extra_float_digits = 1; set bytea_output = 'hex'; set datestyle = 'ISO'`,
  )
  const things: { kind: Checksum['kind']; name: string; sql: string }[] = [
    ...(await column(client, TABLES)).map((name) => tableThing(name)),
    ...(await column(client, SEQUENCES)).map((name) => sequenceThing(name)),
    // In pages, as they are stored: a whole large object need not fit into memory.
    { kind: 'large objects', name: 'large objects', sql: digestOf(LARGE_OBJECT_PAGES) },
  ]
  const result: Checksum[] = []
  for (const [done, { kind, name, sql }] of things.entries()) {
    onTable(name, done, things.length)
    const found = (await client.query<{ rows: string; digest: string }>(sql)).rows[0]
    result.push({ kind, database, name, rows: Number(found?.rows), digest: found?.digest ?? '' })
  }
  return result
}

const LARGE_OBJECT_PAGES = `select loid || ' ' || pageno || ' ' || encode(data, 'hex') from pg_largeobject`

const tableThing = (name: string) => ({ kind: 'table', name, sql: digestOf(`select t::text from ${name} t`) }) as const

const sequenceThing = (name: string) =>
  ({ kind: 'sequence', name, sql: `select last_value as rows, '' as digest from ${name}` }) as const

async function column(client: pg.Client, sql: string): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: sql, rowMode: 'array' })
  return rows.map(([value]) => value)
}

/**
 * What differs between two servers, one line each; empty when they hold the same. A restored sequence may be ahead: PostgreSQL
 * logs its values in advance, so that none is given twice after a crash.
 */
export function differences(source: readonly Checksum[], restored: readonly Checksum[]): string[] {
  const key = ({ database, name }: Checksum) => `${database}: ${name}`
  const there = new Map(restored.map((checksum) => [key(checksum), checksum]))
  const known = new Set(source.map(key))
  const changed = source.flatMap((one) => {
    const other = there.get(key(one))
    if (!other) return [`${key(one)} is missing`]
    if (one.kind === 'sequence') {
      return other.rows >= one.rows ? [] : [`${key(one)} is at ${other.rows}, behind ${one.rows}`]
    }
    if (one.rows !== other.rows) return [`${key(one)} has ${other.rows} rows instead of ${one.rows}`]
    return one.digest === other.digest ? [] : [`${key(one)} has other contents in as many rows`]
  })
  const extra = restored.filter((one) => !known.has(key(one))).map((one) => `${key(one)} is not in the source`)
  return [...changed, ...extra]
}
