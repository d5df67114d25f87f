import { Fault } from '../../core/fault.ts'
import { problemsText, type DrillReport } from '../../core/drill.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { EngineOptions, Target } from '../engine.ts'
import { connect, inDatabaseOf } from './connect.ts'
import { drillDatabase, type DatabaseFindings } from './drill-database.ts'
import { checkRestored } from './restore-check.ts'
import { freeBytes, SPARE } from './restore-target.ts'

export type DrillOptions = EngineOptions & { readonly clock: Clock }

/** Of a drill that came to nothing. */
export const NOTHING: DrillReport = {
  started: false,
  seconds: { restore: 0, start: 0, check: 0 },
  bytes: 0,
  databases: [],
  pageChecksums: 'not checked',
  pages: 0,
  problems: [],
  warnings: [],
}

/** What was found in a server that runs. */
export interface Looked {
  readonly databases: readonly DatabaseFindings[]
  readonly warnings: readonly string[]
  readonly checkSeconds: number
}

/** Looks at every relation of every database of a restored server that runs. */
export async function lookAtAll(address: NodeAddress, options: DrillOptions): Promise<Looked> {
  const { clock, signal } = options
  const check = stopwatch(clock)
  const databases: DatabaseFindings[] = []
  const inDatabase = inDatabaseOf(address, { signal, own: true })
  for (const name of await databasesOf(address, options)) {
    signal?.throwIfAborted()
    databases.push(await inDatabase(name, (ask) => drillDatabase(ask, name)).catch(unusable(name, signal)))
  }
  signal?.throwIfAborted()
  const warnings = [...databases.flatMap((one) => one.warnings), ...(await checkRestored(address, { signal }))]
  return { databases, warnings, checkSeconds: check() }
}

async function databasesOf(address: NodeAddress, { signal }: DrillOptions): Promise<string[]> {
  await using connection = await connect(address, { signal, own: true })
  const rows = await connection.ask<{ name: string }>(
    // One with a limit of -2 is what a DROP DATABASE that was cut short left: nobody can enter it, here or where it came from.
    'select datname as name from pg_database where datallowconn and datconnlimit <> -2 order by 1',
  )
  return rows.map(({ name }) => name)
}

/** A database that lets nobody in is a problem of the set, and the next one is looked at. */
const unusable =
  (name: string, signal: AbortSignal | undefined) =>
  (error: unknown): DatabaseFindings => {
    signal?.throwIfAborted()
    if (!(error instanceof Error)) throw error
    const problems = [`database ${name} cannot be used: ${error.message}`]
    return { database: { name, check: 'read', relations: 0, indexes: 0, tables: [] }, problems, warnings: [] }
  }

/** A server whose disk is full fails in many ways, none of which is the set's. Fault 'target_full' with what went wrong there. */
export async function needRoomLeft({ directory }: Target, report: DrillReport, spare: number = SPARE): Promise<void> {
  if (report.problems.length === 0) return
  // What cannot even be begun has no directory yet.
  const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY)
  if (free >= spare) return
  throw new Fault('target_full', `drill in ${directory}: ${free} bytes are free there; ${problemsText(report)}`, {
    hint: 'Free space there, or set drills.directory to a larger place. This says nothing of the set.',
  })
}

/** Seconds since it was made, to the hundredth. */
export function stopwatch(clock: Clock): () => number {
  const from = clock.monotonic()
  return () => Math.round((clock.monotonic() - from) / 10) / 100
}

/** What `work` gives; the message of a fault of these codes, which is the set's own. */
export async function blamed<T extends object>(
  work: () => Promise<T>,
  ...codes: readonly ('store_corrupt' | 'engine_failed')[]
): Promise<T | { readonly problem: string }> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Fault && codes.some((code) => error.code === code)) return { problem: error.message }
    throw error
  }
}
