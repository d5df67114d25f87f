import { dirname } from 'node:path'
import type { DrillReport } from '../../core/drill.ts'
import { Fault } from '../../core/fault.ts'
import type { PostgresFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { Restored, RestoreOptions, Target } from '../engine.ts'
import { nameBadPages } from './bad-pages.ts'
import { checkPages, type CheckedPages } from './check-pages.ts'
import { connect, inDatabaseOf } from './connect.ts'
import { blamed, lookAtAll, needRoomLeft, NOTHING, stopwatch, type DrillOptions, type Looked } from './drill-look.ts'
import { clearServer } from './drill-scratch.ts'
import { restore } from './restore.ts'
import { reachWarnings } from './restore-target.ts'
import { startRestored } from './restore-start.ts'

/**
 * Restores a physical set, or the last of a chain, into `target`, starts it with every override of a restore, checks every relation
 * of every database, shuts it down, reckons the checksum of every page, and removes it all. So with what a logical set becomes.
 */
export async function drill(
  target: Target,
  chain: readonly SetReader[],
  request: Pick<RestoreOptions, 'binDirs'>,
  options: DrillOptions,
): Promise<DrillReport> {
  await needReach(target, options)
  try {
    const report = await proved(target, chain, request, options)
    await needRoomLeft(target, report)
    return report
  } finally {
    await clearServer(target.directory, options.clock)
  }
}

async function proved(
  target: Target,
  chain: readonly SetReader[],
  request: Pick<RestoreOptions, 'binDirs'>,
  options: DrillOptions,
): Promise<DrillReport> {
  const { clock } = options
  const watch = stopwatch(clock)
  const restored = await blamed(() => restore(target, chain, request, options), 'store_corrupt', 'engine_failed')
  const restoreSeconds = watch()
  if ('problem' in restored) {
    return { ...NOTHING, seconds: { ...NOTHING.seconds, restore: restoreSeconds }, problems: [restored.problem] }
  }
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
async function needReach({ directory, owner }: Target, { signal }: DrillOptions): Promise<void> {
  const [closed] = await reachWarnings(dirname(directory), owner, { signal })
  if (closed === undefined) return
  throw new Fault('forbidden', `drill in ${directory}: ${closed}`, {
    hint: 'Set drills.directory to one that the user of restore.owner can reach.',
  })
}

interface Running extends Looked {
  readonly startSeconds: number
}

async function whileRunning(restored: Restored, { owner }: Target, options: DrillOptions): Promise<Running> {
  const { clock, signal } = options
  const start = stopwatch(clock)
  await using server = await startRestored(restored, { owner, signal, endsWithUs: true })
  const startSeconds = start()
  return { ...(await lookAtAll(server.address, options)), startSeconds }
}

type PageFindings = Pick<DrillReport, 'pageChecksums' | 'pages' | 'problems'>

async function checkedPages(
  restored: Restored,
  facts: PostgresFacts | undefined,
  { owner }: Target,
  { signal }: DrillOptions,
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
    await using server = await startRestored(restored, { owner, signal, endsWithUs: true })
    const own = { signal, own: true }
    await using connection = await connect(server.address, own)
    return await nameBadPages(bad, connection.ask, inDatabaseOf(server.address, own))
  } catch {
    signal?.throwIfAborted()
    return bad.map(({ file, block }) => `block ${block} of ${file}`)
  }
}
