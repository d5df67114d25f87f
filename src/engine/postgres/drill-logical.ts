import pg from 'pg'
import type { DrillReport } from '../../core/drill.ts'
import { Fault } from '../../core/fault.ts'
import type { LogicalFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { EngineProgress, RestoreOptions, Restored, RestoredInto, Target } from '../engine.ts'
import { findBinaries, type Binaries } from './binaries.ts'
import { blamed, lookAtAll, NOTHING, stopwatch, type DrillOptions, type Looked } from './drill-look.ts'
import { makeEmptyServer } from './empty-server.ts'
import { KEPT_ROLES, restoreInto } from './logical-restore.ts'
import { inspectMachine } from './restore-machine.ts'
import { startRestored } from './restore-start.ts'

type Request = Pick<RestoreOptions, 'binDirs'>

/** What a database takes more than its dump, with the indexes that the dump only names. */
const ROOM_FACTOR = 2

/**
 * Brings a logical set into a new server of its version in `target`, and looks at every relation of it. Tablespaces are left out: their
 * directories are those of another machine. Fault 'unsupported' when the programs or a locale are not on this machine,
 * 'instance_unready' for an extension that is not.
 */
export async function provedLogical(
  target: Target,
  set: SetReader,
  request: Request,
  options: DrillOptions,
): Promise<DrillReport> {
  const facts = factsOf(set)
  const binaries = await findBinaries(Math.floor(facts.serverVersion / 10_000), request.binDirs ?? [], options)
  await needLocales(facts, binaries, target, options)
  const start = stopwatch(options.clock)
  const made = await makeEmptyServer(target, { ...firstDatabase(facts), binaries, bytes: roomFor(set) }, options)
  const found = await whileRunning(made, target, { set, request, facts }, options, start)
  if ('problem' in found) return { ...NOTHING, pageChecksums: 'not available', problems: [found.problem] }
  const { into, startSeconds, restoreSeconds, looked } = found
  return {
    ...NOTHING,
    started: true,
    pageChecksums: 'not available',
    seconds: { restore: restoreSeconds, start: startSeconds, check: looked.checkSeconds },
    bytes: into.bytes,
    databases: looked.databases.map(({ database }) => database),
    problems: looked.databases.flatMap(({ problems }) => problems),
    warnings: [...into.warnings.filter((text) => !text.startsWith(KEPT_ROLES)), ...looked.warnings],
  }
}

function factsOf({ manifest }: SetReader): LogicalFacts {
  if (manifest.logical) return manifest.logical
  throw new Fault('unsupported', `drill set ${manifest.backupId}: it is not a logical set of PostgreSQL`)
}

/** The server's own database must be like the set's to be filled from it; its owner as a rule is who the source was made by. */
function firstDatabase({ databases }: LogicalFacts) {
  const own = databases.find(({ name }) => name === 'postgres')
  if (!own) return { encoding: 'UTF8', locale: 'C', superuser: 'postgres' }
  const { provider, locale } = own.collation
  return { encoding: own.encoding, locale: provider === 'libc' ? locale : 'C', superuser: own.owner || 'postgres' }
}

const roomFor = ({ manifest }: SetReader): number =>
  ROOM_FACTOR * manifest.parts.reduce((sum, { plainSize }) => sum + plainSize, 0)

async function needLocales(facts: LogicalFacts, binaries: Binaries, target: Target, options: DrillOptions) {
  const machine = await inspectMachine(binaries, target.directory, options)
  for (const { name, collation } of facts.databases) {
    const wanted = collation.provider === 'libc' ? [collation.locale, collation.ctype] : []
    const missing = wanted.find((locale) => machine.hasLocale(locale) === false)
    if (missing === undefined) continue
    throw new Fault(
      'unsupported',
      `drill database ${pg.escapeIdentifier(name)}: this machine does not have its locale, ${missing}`,
      { hint: 'Generate it (on Debian and Ubuntu: dpkg-reconfigure locales), or drill on a worker that has it.' },
    )
  }
}

interface Running {
  readonly into: RestoredInto
  readonly looked: Looked
  readonly startSeconds: number
  readonly restoreSeconds: number
}

async function whileRunning(
  made: Restored,
  { owner }: Target,
  { set, request, facts }: { set: SetReader; request: Request; facts: LogicalFacts },
  options: DrillOptions,
  start: () => number,
): Promise<Running | { readonly problem: string }> {
  const { clock, signal } = options
  await using server = await startRestored(made, { owner, signal })
  const startSeconds = start()
  const restore = stopwatch(clock)
  const owners = facts.globals !== undefined
  const wish = { pieces: undefined, owners, tablespaces: false, binDirs: request.binDirs }
  const into = await blamed(
    () => blamed(() => restoreInto(server.address, set, wish, options), 'engine_failed'),
    'store_corrupt',
  )
  if ('problem' in into) return into
  const restoreSeconds = restore()
  options.onProgress?.(checking(into.bytes))
  const looked = await lookAtAll(server.address, options)
  return { into, looked, startSeconds, restoreSeconds }
}

const checking = (bytes: number): EngineProgress => ({ phase: 'checking', bytes, totalBytes: bytes })
