import { randomBytes } from 'node:crypto'
import { appendFile, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClientConfig, withClient } from './checksums.ts'
import { initialise, launchOnFreePort, type PostgresProcess, type Programs } from './postgres-process.ts'
import { fillSample, SAMPLE_DATABASE, SAMPLE_TABLESPACE } from './sample.ts'

/** The PostgreSQL that is backed up. */
export interface Source {
  readonly client: ClientConfig & { readonly host: string; readonly port: number; readonly password: string }
  readonly process: PostgresProcess
}

/** Makes a PostgreSQL below `directory` and starts it, with an empty sample database and a second tablespace. */
export async function startSource(programs: Programs, directory: string): Promise<Source> {
  const data = join(directory, 'source')
  const tablespace = join(directory, 'source-archive')
  const password = randomBytes(12).toString('hex')
  await initialise(programs, data, password)
  await mkdir(tablespace, { mode: 0o700 })
  const { account } = programs
  if (account) await chown(tablespace, account.uid, account.gid)
  // The path of a socket may be too long below --data, and nobody needs one.
  const settings = { unix_socket_directories: '', shared_buffers: '128MB', max_wal_size: '2GB' }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  await appendFile(join(data, 'postgresql.conf'), lines.join(''))
  const process = await launchOnFreePort(programs, data, [], join(directory, 'source.log'))
  const client = { host: '127.0.0.1', port: process.port, user: 'postgres', password, database: 'postgres' }
  await withClient(client, async (admin) => {
    await admin.query(`create tablespace ${SAMPLE_TABLESPACE} location '${tablespace.replaceAll("'", "''")}'`)
    await admin.query(`create database ${SAMPLE_DATABASE}`)
  })
  return { client, process }
}

/** Fills the sample database, and gives its size in bytes over all tablespaces. */
export function fillSource(source: Source, onProgress: (done: number, what: string) => void): Promise<number> {
  return withClient({ ...source.client, database: SAMPLE_DATABASE }, async (client) => {
    await fillSample(client, onProgress)
    const { rows } = await client.query<{ size: string }>('select pg_database_size(current_database()) as size')
    return Number(rows[0]?.size)
  })
}
