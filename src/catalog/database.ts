import { sql, type Compilable, type Kysely, type RawBuilder, type Transaction } from 'kysely'
import type { Sealer } from '../lib/seal.ts'
import type { Tables } from './tables.ts'

/** A moment after every other: what lasts until it is ended by name. */
export const FOREVER = Number.MAX_SAFE_INTEGER

export type Value = string | number | null

/** One hot question, in SQL with `?` for its values, kept prepared by each connection. */
export interface Question {
  readonly sql: string
  readonly values: readonly Value[]
  /** Whether its rows come back as tuples, faster than as objects. Always the same for the same text. */
  readonly tuples?: boolean
}

/** A query of Kysely as a question. */
export const asked = (query: Compilable): Question => {
  const compiled = query.compile()
  return { sql: compiled.sql, values: compiled.parameters as readonly Value[] }
}

/** Whether a column is one of `values`, which may be none: PostgreSQL takes no empty list. */
export const isOneOf = (column: string, values: readonly string[]): RawBuilder<boolean> =>
  values.length === 0 ? sql`1 = 0` : sql`${sql.ref(column)} in (${sql.join(values)})`

/** A row as it comes out of the database. */
export type Row = Readonly<Record<string, Value>>

/**
 * A story of questions whose answers must fit together: each is yielded, and its rows come back. Told as a generator so that
 * SQLite can answer it in one go without giving way to anybody, and PostgreSQL over the network.
 */
export type Story<T> = Generator<Question, T, readonly Row[]>

/** What every method of the catalog works with. */
export interface Deps {
  readonly database: Database
  readonly sealer: Sealer
}

/** A row as the values of its columns in their order. */
export type Tuple = readonly Value[]

/** The tuples that a question with `tuples` got back. */
export const tuplesOf = (rows: readonly Row[]): readonly Tuple[] => rows as unknown as readonly Tuple[]

/** Is told the SQL of each statement before it runs, transactions' begin and end left out. */
export type Heard = (sql: string) => void

/** One of the databases that a catalog can lie in, with all that differs between them. */
export interface Database {
  readonly kind: 'sqlite' | 'postgres'
  /** For questions of one statement. Several statements that belong together need `write` or `hot`. */
  readonly db: Kysely<Tables>
  /** The catalog's own time, as an expression: the given clock's on SQLite, the server's on PostgreSQL. */
  readonly now: () => RawBuilder<number>
  /** The same for the SQL of a question: a piece of text, and the values of its `?`. */
  readonly nowAsked: () => Question
  /** Does `work` in one writing transaction, again from its start when another writer was in the way: it may touch only the catalog. */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /** Runs statements outside of any transaction and does the same when they must be tried again. */
  read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>
  /** Answers one hot question. */
  ask(question: Question): Promise<readonly Row[]>
  /** Answers a story of them, all as of one moment. */
  hot<T>(story: () => Story<T>): Promise<T>
  /** Makes a copy of an embedded catalog beside it, `name` added to its own, and gives its path; others are copied by their keepers. */
  copyAside(name: string): Promise<string | undefined>
  /** Names what is wrong with the database itself. */
  integrity(): Promise<string[]>
  close(): Promise<void>
}
