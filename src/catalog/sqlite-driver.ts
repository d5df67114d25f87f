import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
} from 'kysely'

/** Statements kept prepared by one connection; lists of other lengths are other statements, so their number needs a limit. */
const MOST_STATEMENTS = 500

/** A connection to a SQLite file as the catalog needs it: durable at each commit, never waiting inside SQLite. */
export function openConnection(path: string): DatabaseSync {
  // A busy timeout would block the event loop: who finds the file busy comes back by the clock instead.
  const connection = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true })
  try {
    connection.exec(PRAGMAS)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

const PRAGMAS = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma trusted_schema = off;
  pragma temp_store = memory;
  pragma cache_size = -16384;
`

/** Prepares each text once for a connection; with `tuples` its rows come as arrays. */
export function statementsOf(connection: DatabaseSync): (sql: string, tuples?: boolean) => StatementSync {
  const kept = new Map<string, StatementSync>()
  return (sql, tuples = false) => {
    const known = kept.get(sql)
    if (known) return known
    if (kept.size >= MOST_STATEMENTS) kept.clear()
    const statement = connection.prepare(sql)
    statement.setReturnArrays(tuples)
    kept.set(sql, statement)
    return statement
  }
}

/**
 * Kysely's dialect over one connection of node:sqlite. Its users take turns, each whole transactions long. A transaction is
 * BEGIN IMMEDIATE: a reader that turns into a writer half way could neither wait nor be tried again from there. `heard` is told
 * each statement.
 */
export const nodeSqliteDialect = (connection: DatabaseSync, heard: (sql: string) => void): Dialect => ({
  createDriver: () => createDriver(connection, heard),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
})

function createDriver(database: DatabaseSync, heard: (sql: string) => void): Driver {
  const turns = takeTurns()
  const connection = createConnection(database, heard)
  return {
    init: async () => {},
    acquireConnection: async () => {
      await turns.enter()
      return connection
    },
    beginTransaction: async () => database.exec('begin immediate'),
    commitTransaction: async () => database.exec('commit'),
    rollbackTransaction: async () => {
      // SQLite ends a transaction by itself after some failures, a full disk among them.
      if (database.isTransaction) database.exec('rollback')
    },
    releaseConnection: async () => turns.leave(),
    destroy: async () => database.close(),
  }
}

function createConnection(database: DatabaseSync, heard: (sql: string) => void): DatabaseConnection {
  const prepare = statementsOf(database)
  const execute = <R>({ sql, parameters }: CompiledQuery) => {
    heard(sql)
    const statement = prepare(sql)
    const values = parameters as readonly SQLInputValue[]
    if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] }
    const { changes } = statement.run(...values)
    return { numAffectedRows: BigInt(changes), rows: [] }
  }
  return {
    executeQuery: async <R>(query: CompiledQuery) => execute<R>(query),
    streamQuery: async function* <R>(query: CompiledQuery) {
      yield execute<R>(query)
    },
  }
}

/** Lets one in at a time, in the order they came. */
function takeTurns(): { enter(): Promise<void>; leave(): void } {
  const waiting: (() => void)[] = []
  let taken = false
  return {
    enter: async () => {
      if (taken) return new Promise((resolve) => waiting.push(resolve))
      taken = true
    },
    leave: () => {
      const next = waiting.shift()
      if (next) next()
      else taken = false
    },
  }
}
