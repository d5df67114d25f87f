import { randomBytes } from 'node:crypto'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BackupRequest, EngineOptions, PartSink, Point } from '../engine.ts'
import { sqlState, type Ask } from './ask.ts'
import { connect, connectReplication, inDatabaseOf } from './connect.ts'
import { gatherFacts, type GatheredFacts } from './facts.ts'
import { countFiles } from './file-count.ts'
import { watchKeptWal } from './kept-wal.ts'
import { streamBackup, type Streamed } from './stream-backup.ts'

/** Files above which the server is not asked to count its bytes first, since it would look at each of them. */
const MANY_FILES = 200_000

interface Ground extends GatheredFacts {
  readonly address: NodeAddress
  readonly request: BackupRequest
  readonly sink: PartSink
  readonly options: EngineOptions
  readonly clock: Clock
  readonly isReplica: boolean
  readonly progress: boolean
}

/**
 * Takes a full physical backup over the replication protocol: one part `data`, and the server's manifest as an extra.
 *
 * When the server finds bad page checksums, it is taken once more without checking them if the request allows, and is then
 * not `available` as a whole. Fault 'conflict' when the node is another cluster than the request says.
 */
export async function backup(
  address: NodeAddress,
  request: BackupRequest,
  sink: PartSink,
  options: EngineOptions & { clock: Clock },
): Promise<Point> {
  if (request.method !== 'Physical') throw new Fault('unsupported', `take a ${request.method} backup of PostgreSQL`)
  options.onProgress?.({ phase: 'preparing', bytes: 0, totalBytes: 0 })
  const ground = await prepare(address, request, sink, options)
  const first: string[] = []
  try {
    return pointOf(ground, await attempt(ground, true, first), { warnings: first, whole: true, badPages: [] })
  } catch (error) {
    if (!isPageDamage(error) || !request.keepCorrupt) throw error
    const warnings: string[] = []
    const taken = await attempt(ground, false, warnings)
    return pointOf(ground, taken, { warnings, whole: false, badPages: badPagesIn(first) })
  }
}

async function prepare(
  address: NodeAddress,
  request: BackupRequest,
  sink: PartSink,
  options: EngineOptions & { clock: Clock },
): Promise<Ground> {
  await using connection = await connect(address, options)
  const { ask } = connection
  const gathered = await gatherFacts(ask, inDatabaseOf(address, options))
  if (gathered.facts.serverVersion < 140_000) {
    throw new Fault('unsupported', `back up PostgreSQL ${gathered.facts.serverVersionText}`, {
      hint: 'Holdfast takes physical backups of PostgreSQL 14 and newer.',
    })
  }
  const [row] = await ask<{ replica: boolean }>('select pg_is_in_recovery() as replica')
  const progress = (await countFiles(ask, inDatabaseOf(address, options))) < MANY_FILES
  return {
    ...gathered,
    address,
    request,
    sink,
    options,
    clock: options.clock,
    isReplica: row?.replica ?? false,
    progress,
  }
}

interface Taken extends Streamed {
  readonly systemIdentifier: string
}

/** One BASE_BACKUP, on one walsender that also holds the slot: both end with the connection. */
async function attempt(ground: Ground, verifyChecksums: boolean, warnings: string[]): Promise<Taken> {
  const { address, request, sink, clock, facts, options, progress } = ground
  await using connection = await connectReplication(address, options)
  const systemIdentifier = await checkIdentity(connection.ask, request.systemIdentifier)
  const slot = `holdfast_${randomBytes(8).toString('hex')}`
  await connection.ask(`CREATE_REPLICATION_SLOT "${slot}" TEMPORARY PHYSICAL RESERVE_WAL`)
  const over = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, over.signal]) : over.signal
  const watch = watchKeptWal(address, { slot, maxBytes: request.maxKeptWalBytes, clock, signal }).catch(
    (error: unknown) => {
      // Losing sight of the WAL is no reason to lose the backup: the server has a limit of its own.
      if (Fault.is(error, 'engine_failed')) over.abort(error)
    },
  )
  try {
    const { onProgress } = options
    const socket = connection.takeOver()
    const stream = { facts, request, sink, clock, signal, progress, verifyChecksums, onProgress, warnings }
    return { ...(await streamBackup(socket, stream)), systemIdentifier }
  } finally {
    over.abort(new Fault('cancelled', 'the backup is over'))
    await watch
  }
}

/** The system identifier of the cluster that answers. */
async function checkIdentity(ask: Ask, expected: string | undefined): Promise<string> {
  const [identity] = await ask<{ systemid: string }>('IDENTIFY_SYSTEM')
  const found = identity?.systemid ?? ''
  if (expected === undefined || found === expected) return found
  throw new Fault('conflict', `the server is another cluster: its system identifier is ${found}, not ${expected}`, {
    hint: 'Check host and port. If the cluster was made anew (initdb, pg_upgrade), start a new generation of the instance.',
  })
}

/** `data_corrupted`: the server found bad page checksums, and says so when all is sent. */
const isPageDamage = (error: unknown): boolean =>
  Fault.is(error, 'engine_failed') && sqlState(error) === 'XX001' && /checksum/i.test(error.message)

/** `base/5/16384, block 7` for each page that the server's warnings name. */
function badPagesIn(warnings: readonly string[]): string[] {
  const found = warnings.map((text) =>
    /checksum verification failed in file "(?:\.\/)?([^"]+)", block (\d+)/.exec(text),
  )
  return found.flatMap((match) => (match ? [`${match[1]}, block ${match[2]}`] : []))
}

interface Findings {
  readonly warnings: readonly string[]
  /** Whether no page was found to have a wrong checksum. */
  readonly whole: boolean
  readonly badPages: readonly string[]
}

function pointOf({ facts, warnings, isReplica }: Ground, taken: Taken, findings: Findings): Point {
  const { consistentAt, ...place } = taken
  const { whole, badPages } = findings
  return {
    consistentAt,
    available: whole,
    warnings: [...warnings, ...findings.warnings, ...badPages.map((page) => `bad page checksum: ${page}`)],
    postgres: {
      ...facts,
      ...place,
      tablespaces: [...place.tablespaces],
      badPages: [...badPages],
      pageChecksums: facts.dataChecksums ? (whole ? 'passed' : 'failed') : 'not available',
      fromReplica: isReplica,
    },
  }
}
