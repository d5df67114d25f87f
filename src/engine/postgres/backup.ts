import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BackupRequest, EngineOptions, PartSink, Point } from '../engine.ts'
import { askIfAllowed, sqlState } from './ask.ts'
import { attempt, type Ground, type Taken } from './attempt.ts'
import { badPageIn, nameBadPages } from './bad-pages.ts'
import { connect, inDatabaseOf } from './connect.ts'
import { gatherFacts } from './facts.ts'
import { checkBase } from './incremental.ts'
import { awaitRestartpoint } from './restartpoint.ts'

const OLDEST = 140_000

interface Prepared extends Ground {
  readonly isReplica: boolean
  /** What of the server could not be recorded. */
  readonly gaps: readonly string[]
}

/**
 * Takes a physical backup over the replication protocol, full or what changed since a base: one part `data`, and the server's
 * manifest as an extra.
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
  const warnings: string[] = []
  try {
    const taken = await attempt(ground, { verifyChecksums: true, warnings })
    return pointOf(ground, taken, { warnings, badPages: [], whole: true })
  } catch (error) {
    if (!isPageDamage(error)) throw error
    const badPages = await namesOf(ground, warnings)
    if (!request.keepCorrupt) throw damaged(badPages, error)
    const more = warnings.filter((text) => badPageIn(text) === undefined)
    const taken = await attempt(ground, { verifyChecksums: false, warnings: more })
    return pointOf(ground, taken, { warnings: more, badPages, whole: false })
  }
}

async function prepare(
  address: NodeAddress,
  request: BackupRequest,
  sink: PartSink,
  options: EngineOptions & { clock: Clock },
): Promise<Prepared> {
  await using connection = await connect(address, options)
  const { ask } = connection
  const { facts, estimate, warnings } = await gatherFacts(ask, inDatabaseOf(address, options))
  if (facts.serverVersion < OLDEST) {
    throw new Fault('unsupported', `back up PostgreSQL ${facts.serverVersionText}`, {
      hint: 'Holdfast takes physical backups of PostgreSQL 14 and newer.',
    })
  }
  if (request.base) checkBase(facts, request.base)
  const [state] = await ask<{ replica: boolean }>('select pg_is_in_recovery() as replica')
  const isReplica = state?.replica ?? false
  if (request.base && isReplica) {
    const onWait = () => options.onProgress?.({ phase: 'checkpoint', bytes: 0, totalBytes: 0 })
    await awaitRestartpoint(ask, request.base, { ...options, waitMs: request.baseWaitMs ?? 0, onWait })
  }
  const control = await askIfAllowed<{ id: string }>(
    ask,
    'select system_identifier::text as id from pg_control_system()',
  )
  return {
    address,
    request,
    sink,
    options,
    clock: options.clock,
    facts,
    gaps: warnings,
    isReplica,
    systemIdentifier: control?.[0]?.id,
    estimate,
  }
}

/** `data_corrupted`: the server found bad page checksums, and says so when all is sent. */
const isPageDamage = (error: unknown): boolean =>
  Fault.is(error, 'engine_failed') && sqlState(error) === 'XX001' && /checksum/i.test(error.message)

const damaged = (pages: readonly string[], cause: unknown) =>
  new Fault('engine_failed', `take a base backup: bad page checksums: ${pages.slice(0, 5).join(', ')}`, {
    cause,
    hint: 'Look at the disk. Rebuild an index, or bring the table back from an older set; with keepCorrupt a damaged set is kept.',
  })

async function namesOf({ address, options }: Ground, warnings: readonly string[]): Promise<string[]> {
  await using connection = await connect(address, options)
  const pages = warnings.flatMap((text) => badPageIn(text) ?? [])
  return await nameBadPages(pages, connection.ask, inDatabaseOf(address, options))
}

interface Findings {
  readonly warnings: readonly string[]
  readonly badPages: readonly string[]
  /** Whether the server checked every page it has a checksum of, and found none wrong. */
  readonly whole: boolean
}

function pointOf({ facts, gaps, isReplica }: Prepared, taken: Taken, findings: Findings): Point {
  const { consistentAt, ...place } = taken
  const { warnings, badPages, whole } = findings
  return {
    consistentAt,
    available: whole,
    warnings: [...gaps, ...warnings, ...badPages.map((page) => `bad page checksum: ${page}`)],
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
