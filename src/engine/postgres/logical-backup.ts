import { availableParallelism } from 'node:os'
import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { LogicalDatabase, LogicalFacts } from '../../core/manifest.ts'
import { readProgram } from '../../lib/program.ts'
import type { Bytes } from '../../lib/streams.ts'
import type { BackupRequest, EngineOptions, PartSink, Point } from '../engine.ts'
import { askIfAllowed, faultOfServer, type Ask } from './ask.ts'
import { databaseArgument, openClientSession, type ClientSession } from './client-session.ts'
import { findTool, type Tool } from './client-tools.ts'
import { connect } from './connect.ts'
import { dumpCompression, NO_COMPRESSION } from './dump-compression.ts'
import { missingRoles, withHeading } from './logical-globals.ts'
import { takeSnapshot } from './logical-snapshot.ts'

/** So many databases are dumped at once, at most: each is a session that reads as fast as it can. */
const AT_ONCE = Math.min(4, availableParallelism())

/** Rows take about a third of their room on the server once they are compressed: what progress is reckoned by until the end. */
const USUAL_RATIO = 3

/** How long pg_dump waits for a table that somebody has locked, before the backup is given up and tried again. */
const LOCK_WAIT_MS = 600_000

/** What all dumps of one backup share. */
interface Ground {
  readonly address: NodeAddress
  readonly server: Server
  readonly session: ClientSession
  readonly sink: PartSink
  readonly signal: AbortSignal
  readonly tool: Tool
  /** The option by which it compresses. */
  readonly compression: string
  /** Told of each piece that a dump gave. */
  readonly count: (bytes: number) => void
}

/**
 * Takes a logical backup by PostgreSQL's own pg_dump: a part for each database, each as of one moment of its own, and for a whole
 * instance one of roles and tablespaces. Databases are asked for, so that new ones need no list; templates and those that let
 * nobody in are not dumped.
 *
 * Fault 'unsupported' when this machine has no pg_dump for the server, 'not_found' for a database that is not there,
 * 'instance_unready' when our role may not enter one, 'engine_failed' when a dump fails: a part is kept only when its program
 * ended well.
 */
export async function logicalBackup(
  address: NodeAddress,
  request: BackupRequest,
  sink: PartSink,
  options: EngineOptions,
): Promise<Point> {
  try {
    return await takeDumps(address, request, sink, options)
  } catch (error) {
    // Whoever gave it up cut the connections, too: why is what counts.
    options.signal?.throwIfAborted()
    throw faultOfServer(error, 'take a logical backup')
  }
}

async function takeDumps(
  address: NodeAddress,
  request: BackupRequest,
  sink: PartSink,
  options: EngineOptions,
): Promise<Point> {
  options.onProgress?.({ phase: 'preparing', bytes: 0, totalBytes: 0 })
  await using connection = await connect(address, options)
  const server = await readServer(connection.ask, request)
  const names = chosen(server.databases, request.databases)
  const tool = await findTool('pg_dump', server.major, request.binDirs ?? [], options)
  const compression = await dumpCompression(tool, request.compressionLevel, options)
  const failed = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  await using session = await openClientSession(address, { signal })
  const size = await sizeOf(connection.ask, names)
  const totalBytes = compression === NO_COMPRESSION ? size : Math.ceil(size / USUAL_RATIO)
  let bytes = 0
  const count = (more: number) => {
    bytes += more
    options.onProgress?.({ phase: 'streaming', bytes, totalBytes: Math.max(totalBytes, bytes) })
  }
  const ground: Ground = { address, server, session, sink, signal, tool, compression, count }
  const databases = await dumpAll(names, ground, failed)
  const globals = request.databases === undefined ? await putGlobals(ground, request) : undefined
  options.onProgress?.({ phase: 'finishing', bytes, totalBytes: Math.max(totalBytes, bytes) })
  return pointOf(ground, databases, globals, await missingRoles(databases, connection.ask))
}

interface Server {
  readonly versionNumber: number
  readonly versionText: string
  readonly major: number
  readonly isReplica: boolean
  readonly systemIdentifier: string
  readonly mayReadPasswords: boolean
  /** Every database that a set of the whole instance has. */
  readonly databases: readonly string[]
}

interface ServerRow {
  readonly version_num: number
  readonly version_text: string
  readonly is_replica: boolean
  readonly system_identifier: string
  readonly may_read_passwords: boolean
  readonly databases: readonly string[]
}

const SERVER_SQL = `
  select
    current_setting('server_version_num')::int as version_num,
    current_setting('server_version') as version_text,
    pg_is_in_recovery() as is_replica,
    (select system_identifier::text from pg_control_system()) as system_identifier,
    has_table_privilege('pg_authid', 'select') as may_read_passwords,
    -- One with a limit of -2 is what a DROP DATABASE that was cut short left.
    array(
      select datname::text from pg_database where datallowconn and not datistemplate and datconnlimit <> -2 order by 1
    ) as databases`

async function readServer(ask: Ask, request: BackupRequest): Promise<Server> {
  const [row] = await ask<ServerRow>(SERVER_SQL)
  if (!row) throw new Error('a select without a from gave no row')
  const { systemIdentifier: expected } = request
  if (expected !== undefined && expected !== row.system_identifier) {
    throw new Fault(
      'conflict',
      `the server is another cluster: its system identifier is ${row.system_identifier}, not ${expected}`,
      { hint: 'Check host and port. If the cluster was made anew, start a new generation of the instance.' },
    )
  }
  return {
    versionNumber: row.version_num,
    versionText: row.version_text,
    major: Math.floor(row.version_num / 10_000),
    isReplica: row.is_replica,
    systemIdentifier: row.system_identifier,
    mayReadPasswords: row.may_read_passwords,
    databases: row.databases,
  }
}

/** The databases to dump. Fault 'not_found' that names what is not there. */
function chosen(there: readonly string[], wanted: readonly string[] | undefined): readonly string[] {
  const gone = (wanted ?? []).filter((name) => !there.includes(name))
  if (gone.length === 0) return wanted ?? there
  throw new Fault('not_found', `dump databases: there is no database ${gone.map(pg.escapeIdentifier).join(', ')}`, {
    hint: `Name some of: ${there.map(pg.escapeIdentifier).join(', ')}.`,
  })
}

/** Bytes that the databases take; 0 when our role may not know. */
async function sizeOf(ask: Ask, names: readonly string[]): Promise<number> {
  const sql = 'select sum(pg_database_size(datname))::text as size from pg_database where datname = any ($1)'
  const rows = await askIfAllowed<{ size: string | null }>(ask, sql, [names])
  return Number(rows?.[0]?.size ?? 0)
}

/** Dumps a few at once. The first failure ends the others, and is thrown when all of them have ended: nothing is written after it. */
async function dumpAll(
  names: readonly string[],
  ground: Ground,
  failed: AbortController,
): Promise<readonly LogicalDatabase[]> {
  const done: LogicalDatabase[] = []
  const queue = names.values()
  const lane = async () => {
    for (const name of queue) {
      try {
        done.push(await dump(name, ground))
      } catch (error) {
        failed.abort(error)
        return
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  if (failed.signal.aborted) throw failed.signal.reason
  return done.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function dump(name: string, ground: Ground): Promise<LogicalDatabase> {
  const { address, server, session, sink, signal, tool, compression } = ground
  signal.throwIfAborted()
  await using snapshot = await takeSnapshot(address, name, { signal })
  const args = [
    '--format=custom',
    compression,
    '--no-password',
    `--snapshot=${snapshot.id}`,
    `--lock-wait-timeout=${LOCK_WAIT_MS}`,
    // A replica has none of their rows.
    ...(server.isReplica ? ['--no-unlogged-table-data'] : []),
    databaseArgument(name),
  ]
  const doing = `dump database ${pg.escapeIdentifier(name)}`
  const options = session.options('engine_failed', doing, rightsFor(address.user))
  const part = `db/${name}`
  await sink.part(part, counted(readProgram(tool.path, args, options), ground.count), {
    file: fileOf({ oid: snapshot.facts.oid, name }),
  })
  // A database of another encoding would tell its own name wrongly.
  return { ...snapshot.facts, name, part }
}

async function* counted(bytes: Bytes, count: (bytes: number) => void): Bytes {
  for await (const chunk of bytes) {
    count(chunk.length)
    yield chunk
  }
}

/** What to do when pg_dump may not read something. */
const rightsFor =
  (user: string) =>
  (said: string): string | undefined => {
    const role = pg.escapeIdentifier(user)
    if (/row-level security/.test(said))
      return `Let the role read past row-level security: ALTER ROLE ${role} BYPASSRLS;`
    if (/permission denied for large object/.test(said))
      return `Only a superuser reads large objects of others: ${role} is none.`
    return /permission denied/.test(said)
      ? `Let the role read everything: GRANT pg_read_all_data TO ${role};`
      : undefined
  }

/** The number keeps apart what no key can hold the whole name of. */
const fileOf = ({ oid, name }: Pick<LogicalDatabase, 'oid' | 'name'>): string =>
  `db-${oid}-${name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 63)}.dump`

const GLOBALS = 'globals'

async function putGlobals(ground: Ground, request: BackupRequest): Promise<LogicalFacts['globals']> {
  const { address, server, session, sink, signal } = ground
  const tool = await findTool('pg_dumpall', server.major, request.binDirs ?? [], { signal })
  const args = [
    '--globals-only',
    '--no-password',
    ...(server.mayReadPasswords ? [] : ['--no-role-passwords']),
    databaseArgument(address.database ?? 'postgres'),
  ]
  const text = readProgram(tool.path, args, session.options('engine_failed', 'dump roles and tablespaces'))
  await sink.part(GLOBALS, counted(withHeading(request.title, text), ground.count), { file: 'globals.sql' })
  return { part: GLOBALS, rolePasswords: server.mayReadPasswords }
}

function pointOf(
  { server, tool }: Ground,
  databases: readonly LogicalDatabase[],
  globals: LogicalFacts['globals'],
  rolesGone: readonly string[],
): Point {
  const warnings = [
    ...(globals && !globals.rolePasswords
      ? ['the role that takes backups may not read pg_authid: passwords of roles are not in the set']
      : []),
    ...rolesGone.map((role) => `the role ${pg.escapeIdentifier(role)} was dropped during the backup`),
  ]
  return {
    // What the set brings back is nowhere older than this.
    consistentAt: Math.min(...databases.map(({ snapshotAt }) => snapshotAt)),
    available: true,
    warnings,
    logical: {
      systemIdentifier: server.systemIdentifier,
      serverVersion: server.versionNumber,
      serverVersionText: server.versionText,
      toolVersion: tool.version,
      fromReplica: server.isReplica,
      ...(globals && { globals }),
      databases: [...databases],
    },
  }
}
