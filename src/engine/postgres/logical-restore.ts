import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { LogicalFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { Piece } from '../../core/task.ts'
import type { EngineOptions, IntoRequest, RestoredInto } from '../engine.ts'
import { faultOfServer } from './ask.ts'
import { majorOf } from './binaries.ts'
import { databaseArgument, openClientSession } from './client-session.ts'
import { findTool, type Tool } from './client-tools.ts'
import { connect, inDatabaseOf } from './connect.ts'
import { restorePart, type DumpReader } from './dump-reader.ts'
import { createDraft, databaseScript, type DatabaseScript, type DraftDatabase } from './logical-database.ts'
import type { Chosen, Loading } from './logical-loading.ts'
import { restorePiece } from './logical-piece.ts'
import { planGlobals, runGlobals, type GlobalsPlan } from './logical-roles.ts'
import { checkEmpty, checkNeeds, readTarget, type TargetServer } from './logical-target.ts'

/** Brings a logical set, or pieces of it, into a running server. See `Engine.restoreInto`. */
export async function restoreInto(
  address: NodeAddress,
  set: SetReader,
  request: IntoRequest,
  options: EngineOptions = {},
): Promise<RestoredInto> {
  try {
    return await load(address, set, request, options)
  } catch (error) {
    // Whoever gave it up cut the connections, too: why is what counts.
    options.signal?.throwIfAborted()
    throw faultOfServer(error, 'restore into the server')
  }
}

async function load(
  address: NodeAddress,
  set: SetReader,
  request: IntoRequest,
  options: EngineOptions,
): Promise<RestoredInto> {
  const facts = logicalFacts(set)
  const { signal } = options
  const chosen = choose(facts, request.pieces, set.manifest.backupId)
  await using connection = await connect(address, { signal })
  const { ask } = connection
  const target = await readTarget(ask)
  const binDirs = request.binDirs ?? []
  const tool = await findTool('pg_restore', Math.max(target.major, majorOf(facts.toolVersion)), binDirs, { signal })
  checkSpokenTo(tool, target.major, facts.toolVersion)
  await using session = await openClientSession(address, { signal })
  const progress = counter(set, chosen, options)
  const reader: DumpReader = { tool, session, set, request, signal, count: progress.count }
  const wantsGlobals = request.pieces === undefined && request.owners
  const globals = wantsGlobals ? await readGlobals(set, facts, target, request.adoptRoles === true) : undefined
  const databases = [...new Set(chosen.map(({ database }) => database))]
  const warnings = checkNeeds(target, facts, databases, request, globals)
  const loading: Loading = {
    address,
    target,
    reader,
    ask,
    inDatabase: inDatabaseOf(address, { signal }),
    binDirs,
    warnings,
  }
  await loadDatabases(loading, chosen.filter(isDatabase), globals)
  for (const one of chosen) if (!isDatabase(one)) await restorePiece(loading, one)
  return { pieces: chosen.map(placeOf), bytes: progress.bytes(), warnings }
}

/** The first major version whose pg_restore sets what older servers do not have, transaction_timeout, before it does anything else. */
const FORGETS_OLDER = 17

function checkSpokenTo({ version }: Tool, major: number, dumpedBy: string): void {
  if (major >= FORGETS_OLDER || majorOf(version) < FORGETS_OLDER) return
  throw new Fault(
    'unsupported',
    `restore into PostgreSQL ${major}: pg_restore of ${majorOf(version)} speaks to servers of ${FORGETS_OLDER} and newer only`,
    {
      hint:
        majorOf(dumpedBy) < FORGETS_OLDER
          ? `Install the package postgresql-client-${Math.max(major, majorOf(dumpedBy))} (Debian and Ubuntu), or name the directory of its pg_restore in restore.binDirs.`
          : `The set is by pg_dump ${majorOf(dumpedBy)}, which no older pg_restore reads: restore it into a server of ${FORGETS_OLDER} or newer, and install postgresql-client-${major} for the next sets.`,
    },
  )
}

const isDatabase = ({ piece }: Chosen) => piece.schema === undefined

function placeOf({ piece }: Chosen): RestoredInto['pieces'][number] {
  const { database, schema, table, as, into } = piece
  if (schema === undefined) return { database: as ?? database }
  const home = { database: into ?? database }
  return table === undefined ? { ...home, schema: as ?? schema } : { ...home, schema, table: as ?? table }
}

function logicalFacts({ manifest }: SetReader): LogicalFacts {
  if (manifest.logical) return manifest.logical
  throw new Fault('unsupported', `restore set ${manifest.backupId} into a running server: it is not a logical set`, {
    hint: 'A physical set is restored into a directory: --to DIR.',
  })
}

/** Fault 'not_found' that names what the set has, for a database that it has not. */
function choose(facts: LogicalFacts, pieces: readonly Piece[] | undefined, setId: string): readonly Chosen[] {
  const wanted = pieces ?? facts.databases.map(({ name }): Piece => ({ database: name }))
  return wanted.map((piece) => {
    checkNames(piece)
    const database = facts.databases.find(({ name }) => name === piece.database)
    if (database) return { piece, database }
    const names = facts.databases.map(({ name }) => pg.escapeIdentifier(name)).join(', ')
    throw new Fault('not_found', `restore database ${pg.escapeIdentifier(piece.database)}: set ${setId} has none`, {
      hint: `It has ${names}.`,
    })
  })
}

/** PostgreSQL would cut a longer name, and say nothing. */
function checkNames({ as, into }: Piece): void {
  for (const name of [as, into]) {
    if (name === undefined || (name !== '' && Buffer.byteLength(name) <= 63 && !name.includes('\0'))) continue
    throw new Fault('invalid', `restore as ${JSON.stringify(name)}`, { hint: 'A name has 1 to 63 bytes.' })
  }
}

function counter({ manifest }: SetReader, chosen: readonly Chosen[], { onProgress }: EngineOptions) {
  const parts = chosen.map(({ database }) => manifest.parts.find(({ name }) => name === database.part)?.plainSize ?? 0)
  const totalBytes = parts.reduce((sum, size) => sum + size, 0)
  let bytes = 0
  return {
    bytes: () => bytes,
    count: (more: number) => {
      bytes += more
      onProgress?.({ phase: 'writing', bytes, totalBytes: Math.max(bytes, totalBytes) })
    },
  }
}

/** The text of a part that is a script. */
export async function readPart(set: SetReader, part: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of set.read(part)) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

async function readGlobals(set: SetReader, { globals }: LogicalFacts, target: TargetServer, adopt: boolean) {
  if (!globals) return undefined
  return planGlobals(await readPart(set, globals.part), target, adopt)
}

interface Draft extends Chosen {
  readonly name: string
  readonly script: DatabaseScript
  /** Absent where an empty database of that name is there already. */
  readonly draft: DraftDatabase | undefined
}

/** All databases are made and filled under other names first: they get theirs when all are whole. */
async function loadDatabases(
  loading: Loading,
  chosen: readonly Chosen[],
  globals: GlobalsPlan | undefined,
): Promise<void> {
  if (chosen.length === 0) return
  await using drafts = new AsyncDisposableStack()
  const all: Draft[] = []
  for (const one of chosen) {
    const made = await prepare(loading, one)
    if (made.draft) drafts.use(made.draft)
    all.push(made)
  }
  if (globals) await bringGlobals(loading, globals)
  for (const one of all.filter(({ draft }) => draft)) await fill(loading, one)
  for (const one of all.filter(({ draft }) => !draft)) await fill(loading, one)
  for (const { draft, name } of all) await draft?.publish(name)
}

async function prepare(loading: Loading, chosen: Chosen): Promise<Draft> {
  const { piece, database } = chosen
  const name = piece.as ?? piece.database
  const script = await databaseScript(loading.reader, database)
  if (loading.target.databases.has(name)) {
    await checkEmpty(name, database, loading.inDatabase)
    return { ...chosen, name, script, draft: undefined }
  }
  return { ...chosen, name, script, draft: await createDraft(loading, script, database) }
}

async function bringGlobals({ ask, reader, warnings }: Loading, globals: GlobalsPlan): Promise<void> {
  await runGlobals(globals, ask, reader.request)
  if (globals.kept.length === 0) return
  const names = globals.kept.map((role) => pg.escapeIdentifier(role)).join(', ')
  warnings.push(`roles that the server has already stay as they are, with their passwords: ${names}`)
}

async function fill({ ask, reader }: Loading, { name, draft, database, script }: Draft): Promise<void> {
  const doing = `restore database ${pg.escapeIdentifier(database.name)}`
  const inside = draft?.name ?? name
  // A draft goes away as a whole; into a database that is there, all or nothing.
  const args = [...(draft ? [] : ['--single-transaction']), databaseArgument(inside)]
  await restorePart(reader, database.part, args, { doing })
  for (const statement of script.properties(inside)) {
    await ask(statement).catch((cause: Error) => {
      throw new Fault('engine_failed', `${doing}: ${cause.message}`, { cause })
    })
  }
}
