import type { DrillReport } from '../../core/drill.ts'
import { Fault } from '../../core/fault.ts'
import type { PostgresFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { Clock } from '../../lib/clock.ts'
import type { EngineOptions, Restored, RestoreOptions, Target } from '../engine.ts'
import { nameBadPages } from './bad-pages.ts'
import { checkPages, type CheckedPages } from './check-pages.ts'
import { connect, inDatabaseOf } from './connect.ts'
import { drillDatabase, type DatabaseFindings } from './drill-database.ts'
import { clearServer } from './drill-scratch.ts'
import { checkRestored } from './restore-check.ts'
import { restore } from './restore.ts'
import { reachWarnings } from './restore-target.ts'
import { startRestored } from './restore-start.ts'

type Options = EngineOptions & { readonly clock: Clock }

/** Of a drill that came to nothing. */
const NOTHING: DrillReport = {
  started: false,
  seconds: { restore: 0, start: 0, check: 0 },
  bytes: 0,
  databases: [],
  pageChecksums: 'not checked',
  pages: 0,
  problems: [],
  warnings: [],
}

/**
 * Restores a physical set, or the last of a chain, into `target`, starts it with every override of a restore, checks every relation
 * of every database, shuts it down, reckons the checksum of every page, and removes it all.
 */
export async function drill(
  target: Target,
  chain: readonly SetReader[],
  request: Pick<RestoreOptions, 'binDirs'>,
  options: Options,
): Promise<DrillReport> {
  try {
    return await proved(target, chain, request, options)
  } finally {
    await clearServer(target.directory, options.clock)
  }
}

async function proved(
  target: Target,
  chain: readonly SetReader[],
  request: Pick<RestoreOptions, 'binDirs'>,
  options: Options,
): Promise<DrillReport> {
  const { clock } = options
  const watch = stopwatch(clock)
  const restored = await blamed(() => restore(target, chain, request, options), 'store_corrupt')
  const restoreSeconds = watch()
  if ('problem' in restored) {
    return { ...NOTHING, seconds: { ...NOTHING.seconds, restore: restoreSeconds }, problems: [restored.problem] }
  }
  await needReach(restored, target, options)
  options.onProgress?.({ phase: 'checking', bytes: restored.bytes, totalBytes: restored.bytes })
  const base = { ...NOTHING, bytes: restored.bytes, warnings: restored.warnings }
  const found = await blamed(() => whileRunning(restored, target, options), 'engine_failed')
  if ('problem' in found) {
    return { ...base, seconds: { ...base.seconds, restore: restoreSeconds }, problems: [found.problem] }
  }
  const checked = stopwatch(clock)
  const pages = await checkedPages(restored, chain.at(-1)?.manifest.postgres, target, options)
  const check = found.checkSeconds + checked()
  return {
    ...base,
    started: true,
    seconds: { restore: restoreSeconds, start: found.startSeconds, check },
    databases: found.databases.map(({ database }) => database),
    ...pages,
    problems: [...found.databases.flatMap(({ problems }) => problems), ...pages.problems],
    warnings: [...restored.warnings, ...found.warnings],
  }
}

/** A server that cannot enter its directory does not start, and that is not the set's fault. */
async function needReach({ dataDirectory }: Restored, { owner }: Target, options: Options): Promise<void> {
  const [closed] = await reachWarnings(dataDirectory, owner, { signal: options.signal })
  if (closed === undefined) return
  throw new Fault('forbidden', `drill in ${dataDirectory}: ${closed}`, {
    hint: 'Set drills.directory to one that the user of restore.owner can reach.',
  })
}

/** Seconds since it was made, to the hundredth. */
function stopwatch(clock: Clock): () => number {
  const from = clock.monotonic()
  return () => Math.round((clock.monotonic() - from) / 10) / 100
}

/** What `work` gives; the message of a fault of this code, which is the set's own. */
async function blamed<T extends object>(
  work: () => Promise<T>,
  code: 'store_corrupt' | 'engine_failed',
): Promise<T | { readonly problem: string }> {
  try {
    return await work()
  } catch (error) {
    if (Fault.is(error, code)) return { problem: error.message }
    throw error
  }
}

interface Running {
  readonly databases: readonly DatabaseFindings[]
  readonly warnings: readonly string[]
  readonly startSeconds: number
  readonly checkSeconds: number
}

async function whileRunning(restored: Restored, { owner }: Target, options: Options): Promise<Running> {
  const { clock, signal } = options
  const start = stopwatch(clock)
  await using server = await startRestored(restored, { owner, signal })
  const startSeconds = start()
  const check = stopwatch(clock)
  const databases: DatabaseFindings[] = []
  const inDatabase = inDatabaseOf(server.address, { signal })
  for (const name of await databasesOf(server.address, options)) {
    signal?.throwIfAborted()
    databases.push(await inDatabase(name, (ask) => drillDatabase(ask, name)).catch(unusable(name, signal)))
  }
  signal?.throwIfAborted()
  const warnings = await checkRestored(server.address, { signal })
  return { databases, warnings, startSeconds, checkSeconds: check() }
}

async function databasesOf(address: Parameters<typeof connect>[0], { signal }: Options): Promise<string[]> {
  await using connection = await connect(address, { signal })
  const rows = await connection.ask<{ name: string }>(
    'select datname as name from pg_database where datallowconn order by 1',
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
    return { database: { name, check: 'read', relations: 0, indexes: 0, tables: [] }, problems }
  }

type PageFindings = Pick<DrillReport, 'pageChecksums' | 'pages' | 'problems'>

async function checkedPages(
  restored: Restored,
  facts: PostgresFacts | undefined,
  { owner }: Target,
  { signal }: Options,
): Promise<PageFindings> {
  if (!facts?.dataChecksums) return { pageChecksums: 'not available', pages: 0, problems: [] }
  const { pages, bad } = await checkPages(restored.dataDirectory, { blockSize: facts.blockSize, signal })
  if (bad.length === 0) return { pageChecksums: 'passed', pages, problems: [] }
  const names = await named(bad, restored, owner, signal)
  return { pageChecksums: 'failed', pages, problems: names.map((name) => `bad page checksum: ${name}`) }
}

/** Only a running server knows which relation a file is of. */
async function named(
  bad: CheckedPages['bad'],
  restored: Restored,
  owner: Target['owner'],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  try {
    await using server = await startRestored(restored, { owner, signal })
    await using connection = await connect(server.address, { signal })
    return await nameBadPages(bad, connection.ask, inDatabaseOf(server.address, { signal }))
  } catch {
    signal?.throwIfAborted()
    return bad.map(({ file, block }) => `block ${block} of ${file}`)
  }
}
