import type { NodeAddress } from '../../core/instance.ts'
import type { Options } from '../../lib/streams.ts'
import type { Facts, Problem } from '../engine.ts'
import { askIfAllowed, type Ask } from './ask.ts'
import { connect, connectReplication } from './connect.ts'
import { readSize } from './facts.ts'
import { readStanding } from './lag.ts'
import { MANAGED_ROLES, managedProblem, POOLER, replicationProblem, serviceOf, type Caller } from './probe-access.ts'
import { problemsOf, type Checked } from './probe-problems.ts'
import { walSpaceProblem } from './probe-space.ts'

/** How long the size of all databases may take to count: it looks at every file. */
const SIZE_SECONDS = 20

/**
 * Learns what a node is, where it stands, and what keeps backups of it from working, each with the statement that mends
 * it. Fault 'instance_unreachable' when the node does not answer, and that of a connection that is refused.
 */
export async function probe(address: NodeAddress, options: Options = {}): Promise<Facts> {
  await using connection = await connect(address, options)
  const { ask } = connection
  const server = await readServer(ask)
  const standing = await readStanding(ask)
  const checked = await readChecked(ask)
  const access = await tryReplication(address, { server, processId: connection.processId }, options)
  const size = await readSize(ask, SIZE_SECONDS)
  const space = await walSpaceProblem(address, server, size)
  return {
    engine: 'postgres',
    engineVersion: `${Math.floor(checked.version_num / 10_000)}.0`,
    versionText: server.version_text,
    role: standing.isReplica ? 'replica' : 'primary',
    systemIdentifier: access.systemIdentifier ?? (await readSystemIdentifier(ask)),
    position: standing.position,
    lag: standing.lag,
    size,
    databases: server.databases,
    problems: [...access.problems, ...problemsOf(checked), ...space],
  }
}

interface ServerRow {
  readonly version_text: string
  readonly databases: readonly string[]
  readonly data_directory: string | null
  readonly managed_roles: readonly string[]
  readonly role: string
  readonly address: string | null
  readonly encrypted: boolean
  readonly password_encryption: string
  readonly hba_file: string | null
  readonly pid: number
}

const SERVER_SQL = `
  select
    current_setting('server_version') as version_text,
    array(select datname::text from pg_database where datallowconn and not datistemplate order by 1) as databases,
    (select setting from pg_settings where name = 'data_directory') as data_directory,
    array(select rolname::text from pg_roles where rolname = any ($1)) as managed_roles,
    current_user::text as role,
    host(inet_client_addr()) as address,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
    current_setting('password_encryption') as password_encryption,
    (select setting from pg_settings where name = 'hba_file') as hba_file,
    pg_backend_pid() as pid`

async function readServer(ask: Ask): Promise<ServerRow> {
  return only(await ask<ServerRow>(SERVER_SQL, [MANAGED_ROLES]))
}

const CHECKED_SQL = `
  select
    current_user::text as role,
    pg_is_in_recovery() as is_replica,
    current_setting('server_version_num')::int as version_num,
    (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may_replicate,
    pg_has_role(current_user, 'pg_monitor', 'USAGE') as is_monitor,
    current_setting('wal_level') as wal_level,
    current_setting('max_wal_senders')::int as wal_senders,
    (select count(*)::int from pg_stat_get_wal_senders()) as wal_senders_used,
    current_setting('max_replication_slots')::int as slots,
    (select count(*)::int from pg_replication_slots) as slots_used,
    array(select slot_name::text from pg_replication_slots where not active order by 1) as idle_slots,
    (select setting::int from pg_settings where name = 'max_slot_wal_keep_size') as slot_wal_keep,
    current_setting('full_page_writes')::bool as full_page_writes,
    current_setting('data_checksums')::bool as data_checksums,
    current_setting('summarize_wal', true) as summarize_wal,
    array(
      select spcname::text from pg_tablespace
      where starts_with(pg_tablespace_location(oid), (select setting from pg_settings where name = 'data_directory') || '/')
      order by 1
    ) as inner_tablespaces`

async function readChecked(ask: Ask): Promise<Checked> {
  return only(await ask<Checked>(CHECKED_SQL))
}

interface Access {
  readonly systemIdentifier: string | undefined
  readonly problems: readonly Problem[]
}

/** Whether a connection for replication is taken, which is the only proof that pg_hba.conf has a line for us. */
async function tryReplication(
  address: NodeAddress,
  { server, processId }: { server: ServerRow; processId: number | undefined },
  options: Options,
): Promise<Access> {
  // A pooler tells a process id that it made up.
  if (processId !== undefined && processId !== server.pid) {
    return { systemIdentifier: undefined, problems: [POOLER] }
  }
  try {
    await using replication = await connectReplication(address, options)
    const [identity] = await replication.ask<{ systemid: string }>('IDENTIFY_SYSTEM')
    return { systemIdentifier: identity?.systemid, problems: [] }
  } catch (failure) {
    const problem = replicationProblem(failure, callerOf(server))
    const service = serviceOf(server.managed_roles)
    if (service !== undefined) return { systemIdentifier: undefined, problems: [managedProblem(service)] }
    return { systemIdentifier: undefined, problems: problem ? [problem] : [] }
  }
}

const callerOf = (server: ServerRow): Caller => ({
  role: server.role,
  address: server.address,
  encrypted: server.encrypted,
  passwordEncryption: server.password_encryption,
  hbaFile: server.hba_file,
})

/** Empty when our role may not see it. */
async function readSystemIdentifier(ask: Ask): Promise<string> {
  const rows = await askIfAllowed<{ id: string }>(ask, 'select system_identifier::text as id from pg_control_system()')
  return rows?.[0]?.id ?? ''
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('a select without a from gave no row')
  return row
}
