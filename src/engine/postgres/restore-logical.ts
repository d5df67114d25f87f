import { readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { LogicalFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import { syncDirectory } from '../../lib/files.ts'
import { spawn } from '../../lib/spawn.ts'
import type { EngineOptions, Restored, RestoredInto, RestoreOptions, Target } from '../engine.ts'
import { findBinaries, type Binaries } from './binaries.ts'
import { makeEmptyServer } from './empty-server.ts'
import { readPart, restoreInto } from './logical-restore.ts'
import { superusersIn } from './logical-roles.ts'
import { replaceConfiguration } from './replace-configuration.ts'
import { majorIn, makeConfiguration } from './restore-configuration.ts'
import { inspectMachine, type RestoreMachine } from './restore-machine.ts'
import { accountFor, startRestored, type StartedServer } from './restore-start.ts'
import { reachWarnings, releaseTarget } from './restore-target.ts'

/** What a database takes more than its dump, with the indexes that the dump only names. */
const ROOM_FACTOR = 2

/**
 * Makes a server of the set's version in `target` and brings the whole set into it: roles, and every database; tablespaces are left out,
 * since their directories are those of another machine. While it is filled it lies in `data.loading` and ends with us; then it is
 * stopped, made durable, and renamed to `data`.
 *
 * Fault 'unsupported' when the programs, a locale, or what makes a server are not on this machine, 'instance_unready' for an extension
 * that is not; 'engine_failed' and 'store_corrupt' for a set that cannot be restored.
 */
export async function restoreLogical(
  target: Target,
  set: SetReader,
  request: RestoreOptions,
  options: EngineOptions = {},
): Promise<Restored> {
  const facts = factsOf(set, request)
  const binaries = await findBinaries(majorIn(facts), request.binDirs ?? [], options)
  const machine = await inspectMachine(binaries, join(target.directory, 'data'), options)
  needLocales(facts, machine)
  const superuser = await superuserOf(set, facts)
  const wanted = { ...firstDatabase(facts), superuser, binaries, bytes: roomFor(set, facts) }
  const made = await makeEmptyServer(target, wanted, options)
  const into = await filled(made, target, { set, request, facts }, options)
  return settle(made, target, { facts, binaries, machine, into }, options)
}

function factsOf({ manifest }: SetReader, { until }: RestoreOptions): LogicalFacts {
  const { logical, backupId } = manifest
  if (logical && until === undefined) return logical
  throw new Fault('unsupported', `restore set ${backupId}: this version restores a set as it was when taken`)
}

/** Who the source was made by, as a rule: what roles were granted by it cannot be granted by another. */
async function superuserOf(set: SetReader, { globals, databases }: LogicalFacts): Promise<string> {
  const superusers = globals ? superusersIn(await readPart(set, globals.part)) : []
  const owner = databases.find(({ name }) => name === 'postgres')?.owner
  return (
    [owner, 'postgres'].find((name) => name !== undefined && superusers.includes(name)) ?? superusers[0] ?? 'postgres'
  )
}

/** The server's own database must be like the set's to be filled from it. */
function firstDatabase({ databases }: LogicalFacts) {
  const own = databases.find(({ name }) => name === 'postgres')
  if (!own) return { encoding: 'UTF8', locale: 'C' }
  const { provider, locale } = own.collation
  return { encoding: own.encoding, locale: provider === 'libc' ? locale : 'C' }
}

/** By what each database took where it was dumped; where nobody knows, by its dump. */
const roomFor = ({ manifest }: SetReader, { databases }: LogicalFacts): number =>
  databases.reduce((sum, { part, size }) => {
    const { plainSize } = manifest.parts.find(({ name }) => name === part) ?? { plainSize: 0 }
    return sum + Math.max(size ?? 0, ROOM_FACTOR * plainSize)
  }, 0)

function needLocales({ databases }: LogicalFacts, machine: RestoreMachine): void {
  for (const { name, collation } of databases) {
    const wanted = collation.provider === 'libc' ? [collation.locale, collation.ctype] : []
    const missing = wanted.find((locale) => machine.hasLocale(locale) === false)
    if (missing === undefined) continue
    throw new Fault(
      'unsupported',
      `restore database ${pg.escapeIdentifier(name)}: this machine does not have its locale, ${missing}`,
      { hint: 'Generate it (on Debian and Ubuntu: dpkg-reconfigure locales), or restore on a machine that has it.' },
    )
  }
}

interface Filling {
  readonly set: SetReader
  readonly request: RestoreOptions
  readonly facts: LogicalFacts
}

async function filled(
  made: Restored,
  { owner }: Target,
  { set, request, facts }: Filling,
  options: EngineOptions,
): Promise<RestoredInto> {
  const { signal } = options
  await using server = await startNew(made, { owner, signal, endsWithUs: true })
  const owners = facts.globals !== undefined
  const wish = { pieces: undefined, owners, tablespaces: false, binDirs: request.binDirs, adoptRoles: true }
  return await restoreInto(server.address, set, wish, options)
}

/** A server that nothing was brought into yet: that it does not start is this machine's fault. */
async function startNew(made: Restored, options: Parameters<typeof startRestored>[1]): Promise<StartedServer> {
  try {
    return await startRestored(made, options)
  } catch (error) {
    if (!Fault.is(error, 'engine_failed')) throw error
    throw new Fault('unsupported', `start a new server: ${error.message}`, { cause: error })
  }
}

interface Settling {
  readonly facts: LogicalFacts
  readonly binaries: Binaries
  readonly machine: RestoreMachine
  readonly into: RestoredInto
}

/** Makes what was filled a database that may be started: durable, configured, and under its name. */
async function settle(
  made: Restored,
  { owner }: Target,
  { facts, binaries, machine, into }: Settling,
  options: EngineOptions,
): Promise<Restored> {
  const root = dirname(made.dataDirectory)
  const { port, socketDirectory } = made
  const configuration = makeConfiguration({
    facts: { ...facts, settings: {}, preloadLibraries: [], hbaRules: [], identRules: [] },
    machine,
    port,
    socketDirectory,
    keepSideEffects: false,
  })
  await replaceConfiguration(made.dataDirectory, configuration, owner)
  const fail = (message: string, cause?: unknown) =>
    new Fault('unsupported', `make the server durable: ${message}`, { cause })
  await spawn(join(binaries.directory, 'initdb'), ['--sync-only', '--pgdata', '.'], {
    signal: options.signal,
    as: await accountFor(root, owner),
    cwd: made.dataDirectory,
    fail,
  })
  await rm(join(root, 'start.log'), { force: true })
  const data = join(root, 'data')
  await rename(made.dataDirectory, data)
  await syncDirectory(root)
  await releaseTarget(root)
  return {
    ...made,
    dataDirectory: data,
    startCommand: [binaries.postgres, '-D', data],
    ...(await sizeOf(data)),
    warnings: [
      ...(await reachWarnings(data, owner, options)),
      ...made.warnings,
      ...into.warnings,
      ...configuration.warnings,
    ],
  }
}

async function sizeOf(directory: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0]
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    files++
    bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return { files, bytes }
}
