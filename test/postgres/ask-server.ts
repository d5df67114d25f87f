import type pg from 'pg'
import type { Ask } from '../../src/engine/postgres/ask.ts'
import type { InDatabase } from '../../src/engine/postgres/ask.ts'
import pgModule from 'pg'
import type { TestServer } from '../lib/postgres.ts'

/** Asks over a client of the test's own. */
export const askOver =
  (client: pg.Client): Ask =>
  async <Row>(sql: string, values: readonly unknown[] = []) =>
    (await client.query(sql, [...values])).rows as Row[]

/** Opens a client per database, as `user` when one is given. */
export const inDatabaseOf =
  (server: TestServer, login: { user?: string; password?: string } = {}): InDatabase =>
  async (database, work) => {
    const client = await clientOf(server, database, login)
    try {
      return await work(askOver(client))
    } finally {
      await client.end()
    }
  }

export async function clientOf(
  server: TestServer,
  database: string,
  login: { user?: string; password?: string },
): Promise<pg.Client> {
  const { host, port, user, password } = { ...server.address, ...login }
  const client = new pgModule.Client({ host, port, user, password, database })
  await client.connect()
  return client
}
