import { randomBytes } from 'node:crypto'
import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { embeddedPostgres } from '../../quickstart/embedded-postgres.ts'
import { initialise, type Programs, runProgram, writePasswordFile } from '../../quickstart/postgres-process.ts'
import { copyCluster, giveTo } from './copy-cluster.ts'
import { eventually } from './eventually.ts'
import { runServer, type Major, type TestServer } from './test-server.ts'

export type { Major, TestServer } from './test-server.ts'

export interface ServerOptions {
  readonly version: Major
  /** Where its programs are, for a version that is neither Debian's 15 nor the package's 18, or for another build of those. */
  readonly binDirectory?: string
  /** Lines for the configuration, by name. They come last, so `fsync: 'on'` undoes our fast default. */
  readonly settings?: Readonly<Record<string, string>>
  /** Lines put before those of initdb in pg_hba.conf: the first that matches decides. */
  readonly hba?: readonly string[]
  /** Tablespaces to make, by name; each in a directory outside the data directory. */
  readonly tablespaces?: readonly string[]
  readonly initdbArgs?: readonly string[]
}

/** Makes a cluster and starts it. Fast and not crash-proof (`fsync` off) unless the settings say otherwise. */
export async function startPostgres(options: ServerOptions): Promise<TestServer> {
  return guarded(options, async (place) => {
    const data = join(place.directory, 'data')
    const password = newPassword()
    await initialise(place, data, password, options.initdbArgs)
    await configure(data, place, options)
    const server = await runServer({ ...place, data, config: data, password })
    return addTablespaces(server, options.tablespaces ?? [])
  })
}

/**
 * Makes a PostgreSQL 15 cluster with Debian's own `pg_createcluster`, its configuration outside the data directory, and
 * starts it. The configuration lies below the test's directory instead of /etc/postgresql.
 */
export async function createClusterLayout(options: Omit<ServerOptions, 'version'> = {}): Promise<TestServer> {
  return guarded({ version: 15 }, async (place) => {
    const data = join(place.directory, 'lib/15/main')
    const config = join(place.directory, 'etc/15/main')
    const password = newPassword()
    await createCluster(place, data, password, options.initdbArgs ?? [])
    // Debian's certificate is readable for a group that a process started by us does not have.
    await configure(config, place, { ...options, settings: { ssl: 'off', ...options.settings } })
    const server = await runServer({ ...place, data, config, password })
    return addTablespaces(server, options.tablespaces ?? [])
  })
}

/** Makes a streaming replica of `primary` from a base backup of its files, and waits until it streams. */
export async function startReplica(
  primary: TestServer,
  options: { settings?: Readonly<Record<string, string>> } = {},
): Promise<TestServer> {
  // The package's may lie where disposing the primary removes it: it is found anew.
  const { version, givenBinDirectory: binDirectory } = primary
  return guarded({ version, ...(binDirectory !== undefined && { binDirectory }) }, async (place) => {
    const data = join(place.directory, 'data')
    const tablespaces = await copyCluster(primary, data, join(place.directory, 'tablespaces'))
    await copyConfiguration(primary, data)
    await writeFile(join(data, 'standby.signal'), '')
    await configure(data, place, { settings: { primary_conninfo: sourceOf(primary, place.name), ...options.settings } })
    await giveTo(place.directory, place.account)
    const password = primary.address.password ?? ''
    const replica = await runServer({ ...place, data, config: data, password, tablespaces })
    await streaming(primary, replica, place.name)
    return replica
  })
}

type Wanted = Pick<ServerOptions, 'version' | 'binDirectory'>

interface Place extends Programs {
  readonly version: Major
  readonly givenBinDirectory: string | undefined
  readonly directory: string
  readonly socketDirectory: string
  /** A name that no other server of this run has. */
  readonly name: string
  dispose(): Promise<void>
}

/** Makes a place, and takes it away again when `make` fails. */
async function guarded(wanted: Wanted, make: (place: Place) => Promise<TestServer>): Promise<TestServer> {
  const place = await makePlace(wanted, await databaseAccount())
  try {
    return await make(place)
  } catch (error) {
    await place.dispose()
    throw error
  }
}

async function makePlace({ version, binDirectory: given }: Wanted, account: Account | undefined): Promise<Place> {
  const embedded = version === 18 && given === undefined ? await embeddedPostgres(account) : undefined
  // The path of a socket may have 107 bytes, which a long TMPDIR uses up.
  const directory = await makeDirectoryFor(account, 'holdfast-pg-', '/tmp')
  const socketDirectory = join(directory, 'run')
  await mkdir(socketDirectory)
  await giveTo(socketDirectory, account)
  return {
    version,
    account,
    directory,
    socketDirectory,
    givenBinDirectory: given,
    binDirectory: given ?? embedded?.binDirectory ?? `/usr/lib/postgresql/${version}/bin`,
    name: directory.replace(/^.*-/, 'test_'),
    dispose: async () => {
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      await embedded?.[Symbol.asyncDispose]()
    },
  }
}

const newPassword = (): string => randomBytes(12).toString('hex')

async function createCluster(place: Place, data: string, password: string, args: readonly string[]): Promise<void> {
  const passwordFile = await writePasswordFile(join(place.directory, 'password'), password)
  const logFile = join(place.directory, 'createcluster.log')
  const forInitdb = ['--username=postgres', `--pwfile=${passwordFile}`, '--no-sync', ...args]
  const places = ['--datadir', data, '--socketdir', place.socketDirectory, '--logfile', logFile]
  const owner = place.account ? ['--user', place.account.name] : []
  const locale = ['--locale', 'C', '--encoding', 'UTF8']
  const debian = { binDirectory: '/usr/bin', account: undefined }
  const all = [...owner, ...places, ...locale, '--start-conf', 'manual', '15', 'main', '--', ...forInitdb]
  await runProgram(debian, 'pg_createcluster', all, { PG_CLUSTER_CONF_ROOT: join(place.directory, 'etc') })
}

async function configure(config: string, place: Place, options: Omit<ServerOptions, 'version'>): Promise<void> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: place.socketDirectory,
    fsync: 'off',
    shared_buffers: '32MB',
    wal_keep_size: '256MB',
    ...options.settings,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
  await appendFile(join(config, 'postgresql.conf'), `\n${lines.join('')}`)
  const hba = join(config, 'pg_hba.conf')
  if (options.hba) await writeFile(hba, `${options.hba.join('\n')}\n${await readFile(hba, 'utf8')}`)
}

async function addTablespaces(server: TestServer, names: readonly string[]): Promise<TestServer> {
  try {
    for (const name of names) await server.addTablespace(name)
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

/** Debian keeps the configuration elsewhere, so a copy of the data directory has none. */
async function copyConfiguration(primary: TestServer, data: string): Promise<void> {
  if (primary.configDirectory === primary.dataDirectory) return
  for (const name of ['pg_hba.conf', 'pg_ident.conf']) await cp(join(primary.configDirectory, name), join(data, name))
  await writeFile(join(data, 'postgresql.conf'), '')
}

function sourceOf(primary: TestServer, name: string): string {
  const { host, port, user, password } = primary.address
  return `host=${host} port=${port} user=${user} password=${password} application_name=${name}`
}

async function streaming(primary: TestServer, replica: TestServer, name: string): Promise<void> {
  const sql = `select 1 from pg_stat_replication where application_name = '${name}' and state = 'streaming'`
  try {
    await eventually(async () => (await primary.query(sql)).length > 0, `replica ${name} streams`)
  } catch (error) {
    await replica[Symbol.asyncDispose]()
    throw error
  }
}
