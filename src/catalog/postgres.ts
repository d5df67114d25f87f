import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Database, Heard, Question, Row, Story } from './database.ts'
import { retried } from './retry.ts'
import type { Tables } from './tables.ts'

export interface PostgresOptions {
  readonly url: string
  readonly password: string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly heard?: Heard | undefined
}

const MOST_CONNECTIONS = 10
const CONNECT_MS = 10_000

/** The catalog in a PostgreSQL database, shared by a fleet. Connects when first asked something. */
export function openPostgres({ url, password, clock, log, heard = () => {} }: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString: withPassword(url, password),
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'holdfast',
    types: { getTypeParser },
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error.message }, 'a connection to the catalog broke'))
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    log: ({ level, query }) => {
      if (level === 'query') heard(query.sql)
    },
  })
  const again = <T>(work: () => Promise<T> | T) => retried(clock, judgeError, work)
  const named = namer(heard)
  return {
    kind: 'postgres',
    db,
    now: () => sql.raw<number>(NOW),
    nowAsked: () => ({ sql: NOW, values: [] }),
    write: (work) => again(() => db.transaction().execute(work)),
    read: (work) => again(() => work(db)),
    ask: (question) => again(() => answer(pool, named(question))),
    hot: (story) => again(() => tellWhole(pool, named, story())),
    copyAside: async () => undefined,
    integrity: async () => [],
    close: () => pool.end(),
  }
}

/** In the URL itself: pg takes what the URL lacks for said, and drops a password given beside it. */
function withPassword(url: string, password: string | undefined): string {
  if (password === undefined) return url
  const whole = new URL(url)
  whole.password = encodeURIComponent(password)
  return whole.href
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

const INT8 = 20

/** Every number of ours is below 2^53. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser

interface Named {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
  readonly rowMode?: 'array'
}

/** Gives each text a name of its own, under which every connection keeps it prepared, and numbers its values. */
function namer(heard: Heard): (question: Question) => Named {
  const known = new Map<string, Omit<Named, 'values'>>()
  return ({ sql: source, values, tuples }) => {
    let statement = known.get(source)
    if (!statement) {
      let number = 0
      statement = { name: `hot_${known.size}`, text: source.replaceAll('?', () => `$${++number}`) }
      known.set(source, statement)
    }
    heard(statement.text)
    return { ...statement, values: [...values], ...(tuples ? { rowMode: 'array' as const } : {}) }
  }
}

const answer = async (client: pg.Pool | pg.PoolClient, question: Named): Promise<readonly Row[]> =>
  (await client.query<Row>(question)).rows

async function tellWhole<T>(pool: pg.Pool, named: (question: Question) => Named, story: Story<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin isolation level repeatable read, read only')
    let step = story.next()
    while (!step.done) step = story.next(await answer(client, named(step.value)))
    await client.query('commit')
    return step.value
  } catch (error) {
    broken = error as Error
    throw error
  } finally {
    client.release(broken)
  }
}

/** Serialization failure, deadlock: the server ended one of two transactions that were in each other's way. */
const PASSING: ReadonlySet<string> = new Set(['40001', '40P01'])
/** Connection, resources, operator intervention, wrong password, no such database. */
const UNUSABLE = /^(08|53|57|28|3D)/

function judgeError(error: unknown): 'passing' | Error {
  if (!(error instanceof Error) || error instanceof Fault) return error as Error
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && PASSING.has(code)) return 'passing'
  const answered = error instanceof pg.DatabaseError
  if (answered && !UNUSABLE.test(error.code ?? '')) return error
  if (!answered && typeof code !== 'string' && !/connection|timeout|SASL|SSL/i.test(error.message)) return error
  return new Fault('catalog_unavailable', `ask the catalog's database: ${error.message}`, {
    cause: error,
    hint: 'Look whether it runs, and whether catalog.url and its password are right.',
  })
}
