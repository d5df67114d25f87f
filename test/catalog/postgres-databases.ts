import { startPostgres, type TestServer } from '../lib/postgres.ts'

/** Empty databases on one server, which is started when the first is asked for. */
export interface PostgresDatabases {
  make(): Promise<{ readonly url: string; readonly password: string }>
  version(): Promise<string>
  /** Closes this, before the server, at the end. */
  closeFirst(user: { close(): Promise<void> }): void
  query<Row>(sql: string, database?: string): Promise<Row[]>
  close(): Promise<void>
}

export function postgresDatabases(version: 15 | 18): PostgresDatabases {
  let started: Promise<TestServer> | undefined
  let made = 0
  const users: { close(): Promise<void> }[] = []
  // Each database's pool may keep ten connections open until the end.
  const server = () => (started ??= startPostgres({ version, settings: { max_connections: '700' } }))
  return {
    make: async () => {
      const running = await server()
      const name = `catalog_${++made}`
      await running.query(`create database ${name} template template0`)
      const { user, host, port, password = '' } = running.address
      return { url: `postgres://${user}@${host}:${port}/${name}`, password }
    },
    version: async () => {
      const [row] = await (await server()).query<{ version: string }>('select version()')
      return row?.version ?? ''
    },
    closeFirst: (user) => users.push(user),
    query: async (sql, database) => (await server()).query(sql, database),
    close: async () => {
      for (const user of users) await user.close()
      await (await started)?.[Symbol.asyncDispose]()
    },
  }
}
