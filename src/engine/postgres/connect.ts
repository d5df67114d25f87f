import type { Socket } from 'node:net'
import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import { inflowSocket } from '../../lib/inflow.ts'
import type { Bytes, Options } from '../../lib/streams.ts'
import { sqlState, type Ask, type InDatabase } from './ask.ts'
import { copyIn } from './copy-in.ts'
import { attemptsOf, worthAnother, type TlsAttempt } from './ssl-mode.ts'

/** How long a server may take to let us in. */
const CONNECT_SECONDS = 15

/** A connection to one database. Disposing closes it. */
export interface Connection extends AsyncDisposable {
  readonly ask: Ask
  /** The process id that the server, or a pooler before it, told; undefined when it told none. */
  readonly processId: number | undefined
}

/** A connection for physical replication: simple queries only, and no SQL. */
export interface ReplicationConnection extends Connection {
  /**
   * Hands over the authenticated socket: from here on nobody else reads from it. `pg` copies every byte more than once, so
   * a backup is read from the socket itself.
   */
  takeOver(): Socket
  /** Runs a command that takes a stream of bytes. What the server says against it is thrown as it is. */
  copyIn(sql: string, bytes: Bytes): Promise<void>
}

export interface ConnectOptions extends Options {
  /** That the server is nobody's but ours, and may be told that no time-out holds before any does. Poolers refuse to be told. */
  readonly own?: boolean | undefined
}

/**
 * Connects to a database of a node, to the address's own when none is named. No time-out that the server, the database or the role has
 * for its users ends what we ask, or the connection while it waits for a dump. Fault 'instance_unreachable' when the node does
 * not answer or has no room, 'instance_unready' when it answers and refuses us.
 */
export async function connect(
  address: NodeAddress,
  options: ConnectOptions & { readonly database?: string | undefined } = {},
): Promise<Connection> {
  const database = options.database ?? address.database ?? 'postgres'
  const client = await open(address, { database, ...(options.own && { options: '-c statement_timeout=0' }) }, options)
  try {
    await client.query(NO_TIMEOUTS)
  } catch (error) {
    await close(client)
    options.signal?.throwIfAborted()
    throw refusal(address, error)
  }
  return connectionOf(client)
}

/** Not every version knows all of them. */
const NO_TIMEOUTS = `select ${['statement', 'idle_in_transaction_session', 'idle_session', 'transaction']
  .map((name) => `'${name}_timeout'`)
  .map((name) => `case when current_setting(${name}, true) is not null then set_config(${name}, '0', false) end`)
  .join(', ')}`

/** As `connect`, for the replication protocol. */
export async function connectReplication(address: NodeAddress, options: Options = {}): Promise<ReplicationConnection> {
  const client = await open(address, { database: 'replication', replication: 'true' }, options)
  return { ...connectionOf(client), takeOver: () => detach(client), copyIn: (sql, bytes) => copyIn(client, sql, bytes) }
}

/** Opens a connection of its own for each database asked for. */
export const inDatabaseOf =
  (address: NodeAddress, options: ConnectOptions = {}): InDatabase =>
  async (database, work) => {
    await using connection = await connect(address, { ...options, database })
    return await work(connection.ask)
  }

/** The parts of a `pg` client that it does not declare. */
interface ClientInside {
  readonly processID?: number | null
  readonly connection: { readonly stream: Socket }
}

const inside = (client: pg.Client) => client as unknown as ClientInside

function connectionOf(client: pg.Client): Connection {
  return {
    ask: async <Row>(sql: string, values?: readonly unknown[]) => {
      try {
        return (await (values ? client.query(sql, [...values]) : client.query(sql))).rows as Row[]
      } catch (cause) {
        if (sqlState(cause) !== undefined) throw cause
        throw new Fault('instance_unreachable', 'ask the server: the connection was lost', { cause })
      }
    },
    processId: inside(client).processID ?? undefined,
    [Symbol.asyncDispose]: () => close(client),
  }
}

async function close(client: pg.Client): Promise<void> {
  const { stream } = inside(client).connection
  if (stream.destroyed) return
  await client.end().catch(() => stream.destroy())
}

function detach(client: pg.Client): Socket {
  const { stream } = inside(client).connection
  stream.pause()
  stream.removeAllListeners('data')
  stream.setTimeout(0)
  return stream
}

interface Wanted {
  readonly database: string
  readonly replication?: 'true'
  /** As of PGOPTIONS. */
  readonly options?: string
}

/** Tries what the address's sslmode allows, in its order. */
async function open(address: NodeAddress, wanted: Wanted, { signal }: Options): Promise<pg.Client> {
  const attempts = attemptsOf(address)
  for (const [index, tls] of attempts.entries()) {
    try {
      return await tryOpen(address, wanted, tls, signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (index + 1 < attempts.length && worthAnother(error)) continue
      throw refusal(address, error)
    }
  }
  throw new RangeError('an sslmode without attempts')
}

async function tryOpen(
  address: NodeAddress,
  wanted: Wanted,
  tls: TlsAttempt,
  signal: AbortSignal | undefined,
): Promise<pg.Client> {
  signal?.throwIfAborted()
  const config = {
    host: address.host,
    port: address.port,
    user: address.user,
    // Left out, `pg` would look for one in our environment.
    password: address.password ?? '',
    ssl: tls,
    application_name: 'holdfast',
    connectionTimeoutMillis: CONNECT_SECONDS * 1000,
    keepAlive: true,
    // `pg` puts TLS around a socket of its own.
    ...(wanted.replication && !tls && { stream: inflowSocket }),
    ...wanted,
  }
  const client = new pg.Client(config)
  // A connection that breaks while nobody asks is told by the next question.
  client.on('error', () => {})
  const drop = () => inside(client).connection.stream.destroy()
  signal?.addEventListener('abort', drop, { once: true })
  // A signal outlives many connections, and must not collect their listeners.
  client.on('end', () => signal?.removeEventListener('abort', drop))
  try {
    await client.connect()
    return client
  } catch (error) {
    drop()
    signal?.removeEventListener('abort', drop)
    throw error
  }
}

/** What the failure to connect means for whoever registered the node. Never holds the password: `pg` does not say it. */
function refusal(address: NodeAddress, cause: unknown): Fault {
  const where = `connect to ${address.host}:${address.port} as ${address.user}`
  if (address.password === undefined && asksPassword(cause)) {
    return new Fault('instance_unready', `${where}: the password of node ${address.host}:${address.port} is missing`, {
      cause,
      hint: PASSWORD,
    })
  }
  const said = cause instanceof Error ? cause.message : String(cause)
  const state = sqlState(cause)
  if (state === undefined || /^(08|53|57P)/.test(state)) {
    return new Fault('instance_unreachable', `${where}: ${said}`, { cause, hint: REACH })
  }
  const hint = state.startsWith('28') ? ENTER : state === '42501' ? ALLOW : undefined
  return new Fault('instance_unready', `${where}: ${said}`, { cause, hint })
}

/** Whether the server wanted a password: it says so itself, or `pg` finds that it has none to work with. */
const asksPassword = (cause: unknown): boolean =>
  sqlState(cause) === '28P01' || (cause instanceof Error && /^SASL: .* password must be/.test(cause.message))

const PASSWORD =
  'Give it: with the node when it is registered, later with holdfast instances nodes login INSTANCE NODE (after a rebuild of the catalog, for example).'
const REACH = 'Check host, port, sslmode and firewall, and that the server runs and has connections left.'
const ALLOW = 'The role needs the attribute REPLICATION: ALTER ROLE … REPLICATION.'
const ENTER = 'Check user and password, and the lines of pg_hba.conf for our address.'
