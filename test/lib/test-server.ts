import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Account } from '../../quickstart/account.ts'
import { launchOnFreePort, launch, type PostgresProcess, type Programs } from '../../quickstart/postgres-process.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import { giveTo } from './copy-cluster.ts'

/** The major versions that Holdfast knows. */
export type Major = 14 | 15 | 16 | 17 | 18

/** A real PostgreSQL of the test's own. Disposing it ends the process and removes every byte. */
export interface TestServer extends AsyncDisposable {
  /** User `postgres`, a superuser, over TCP with a password (scram-sha-256). */
  readonly address: NodeAddress
  readonly version: Major
  readonly dataDirectory: string
  /** Where postgresql.conf and pg_hba.conf are: the data directory, but in a Debian layout. */
  readonly configDirectory: string
  readonly binDirectory: string
  /** The same, where the test named it. */
  readonly givenBinDirectory: string | undefined
  readonly socketDirectory: string
  /** What holds all of its directories; belongs to the user it runs as. */
  readonly directory: string
  /** Whom it runs as; undefined: ourselves. */
  readonly account: Account | undefined
  /** Directory of each tablespace, by name. */
  readonly tablespaces: Readonly<Record<string, string>>
  /** The postmaster; 0 while it is stopped. */
  readonly pid: number
  /** Runs SQL on a connection of its own and gives the rows of the last statement. */
  query<Row = Record<string, unknown>>(sql: string, database?: string): Promise<Row[]>
  /** A connected client for what needs a session; the caller ends it. */
  connect(database?: string): Promise<pg.Client>
  /** Makes a tablespace of this name in a directory outside the data directory. */
  addTablespace(name: string): Promise<void>
  /** What the server has logged so far. */
  log(): Promise<string>
  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void>
  stop(options?: { mode?: 'smart' | 'fast' | 'immediate' }): Promise<void>
  kill(): Promise<void>
}

/** A cluster that was made and does not run yet. */
export interface Made extends Programs {
  readonly version: Major
  readonly directory: string
  readonly socketDirectory: string
  readonly givenBinDirectory: string | undefined
  readonly data: string
  readonly config: string
  readonly password: string
  readonly tablespaces?: Readonly<Record<string, string>>
  dispose(): Promise<void>
}

/** Starts what was made, on a free port. */
export async function runServer(made: Made): Promise<TestServer> {
  const logFile = join(made.directory, 'server.log')
  const args = made.config === made.data ? [] : ['-c', `config_file=${made.config}/postgresql.conf`]
  const started = await launchOnFreePort(made, made.data, args, logFile)
  const port = started.port
  let running: PostgresProcess | undefined = started
  const end = async (how: (process: PostgresProcess) => Promise<void>) => {
    if (running) await how(running)
    running = undefined
  }
  const connect = connector(port, made.password)
  const query = querier(connect)
  const tablespaces = { ...made.tablespaces }
  return {
    version: made.version,
    account: made.account,
    binDirectory: made.binDirectory,
    givenBinDirectory: made.givenBinDirectory,
    directory: made.directory,
    dataDirectory: made.data,
    configDirectory: made.config,
    socketDirectory: made.socketDirectory,
    address: { host: '127.0.0.1', port, user: 'postgres', password: made.password, sslMode: 'disable' },
    tablespaces,
    get pid() {
      return running?.pid ?? 0
    },
    connect,
    query,
    addTablespace: async (name) => {
      const directory = join(made.directory, 'tablespaces', name)
      await mkdir(directory, { recursive: true })
      await giveTo(join(made.directory, 'tablespaces'), made.account)
      await query(`create tablespace ${pg.escapeIdentifier(name)} location ${pg.escapeLiteral(directory)}`)
      tablespaces[name] = directory
    },
    log: () => readFile(logFile, 'utf8'),
    start: async () => {
      running ??= await launch(made, made.data, ['-p', String(port), ...args], logFile)
    },
    stop: (options = {}) => end((process) => process.stop(options.mode)),
    kill: () => end((process) => process.kill()),
    [Symbol.asyncDispose]: async () => {
      await end((process) => process.stop('immediate'))
      await made.dispose()
    },
  }
}

const connector =
  (port: number, password: string) =>
  async (database = 'postgres'): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database })
    // A server that is killed under a client is what some tests are about.
    client.on('error', () => {})
    await client.connect()
    return client
  }

const querier =
  (connect: (database?: string) => Promise<pg.Client>) =>
  async <Row>(sql: string, database?: string): Promise<Row[]> => {
    const client = await connect(database)
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql)
      return ((Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? []) as Row[]
    } finally {
      await client.end()
    }
  }
