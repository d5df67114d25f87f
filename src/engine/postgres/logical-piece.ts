import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { Piece } from '../../core/task.ts'
import { readProgram } from '../../lib/program.ts'
import { databaseArgument } from './client-session.ts'
import { findTool } from './client-tools.ts'
import { restoreBytes, restorePart, scriptOf } from './dump-reader.ts'
import { createDraft, databaseScript } from './logical-database.ts'
import type { Chosen, Loading } from './logical-loading.ts'
import { addInside, addOutside, readForeignKeys, type ForeignKey } from './piece-foreign-keys.ts'
import { renamePiece, selectionOf, type Selection } from './piece-selection.ts'

/** A schema or table, and where it goes. */
interface Wanted extends Chosen {
  readonly schema: string
  readonly home: string
  readonly doing: string
}

/**
 * Brings one schema or table into a database of the target: first into a database of its own, where the dump's whole structure and
 * the rows that are wanted are laid, then from there, with all that belongs to it and under its new name, into its place, all or
 * nothing. pg_restore alone would leave out the indexes and constraints of a table, and knows no new names.
 */
export async function restorePiece(loading: Loading, chosen: Chosen): Promise<void> {
  const { piece, database } = chosen
  const { schema = 'public', table } = piece
  const what = table === undefined ? `schema ${id(schema)}` : `table ${id(schema)}.${id(table)}`
  const wanted = { ...chosen, schema, home: piece.into ?? piece.database, doing: `restore ${what}` }
  const schemaIsThere = await checkPlace(loading, wanted)
  const script = await databaseScript(loading.reader, database)
  await using draft = await createDraft(loading, script, database)
  const selection = await fillDraft(loading, wanted, draft.name)
  const keys = await addForeignKeys(loading, wanted, selection, draft.name)
  if (piece.as !== undefined) {
    await loading.inDatabase(draft.name, (ask) => renamePiece(ask, selection, piece.as ?? ''))
  }
  await moveHome(loading, wanted, { selection, draft: draft.name, schemaIsThere })
  await loading.inDatabase(wanted.home, async (ask) => {
    loading.warnings.push(...(await addOutside(ask, keys, { piece, schema })))
  })
}

const id = (name: string) => pg.escapeIdentifier(name)

/**
 * Whether an empty schema of the piece's name is there already. Fault 'conflict' when the place is taken, 'not_found' when there
 * is none.
 */
async function checkPlace(loading: Loading, { home, schema, piece, doing }: Wanted): Promise<boolean> {
  if (!loading.target.databases.has(home)) {
    throw new Fault('not_found', `${doing}: the server has no database ${id(home)}`, {
      hint: 'Restore the whole database, or name the one that it shall go into (--into-database).',
    })
  }
  return await loading.inDatabase(home, async (ask) => {
    const [name, table] = placeOf(piece, schema)
    const [row] = await ask<{ schema: boolean; filled: boolean; taken: boolean }>(PLACE_SQL, [name, table ?? ''])
    if (table !== undefined && row?.schema !== true) {
      throw new Fault('not_found', `${doing}: database ${id(home)} has no schema ${id(name)}`, {
        hint: `Create it: CREATE SCHEMA ${id(name)};`,
      })
    }
    if (table === undefined ? row?.filled === true : row?.taken === true) {
      const taken = table === undefined ? `schema ${id(name)}, which is not empty` : `${id(name)}.${id(table)}`
      throw new Fault('conflict', `${doing}: database ${id(home)} has ${taken} already`, {
        hint: 'Rename or drop that one, or restore under another name (--as).',
      })
    }
    return row?.schema === true
  })
}

const placeOf = ({ table, as }: Piece, schema: string): [schema: string, table: string | undefined] =>
  table === undefined ? [as ?? schema, undefined] : [schema, as ?? table]

const PLACE_SQL = `
  select
    exists (select from pg_namespace where nspname = $1) as schema,
    exists (select from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1)
      or exists (select from pg_proc join pg_namespace n on n.oid = pronamespace where nspname = $1)
      or exists (select from pg_type join pg_namespace n on n.oid = typnamespace where nspname = $1) as filled,
    exists (select from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1 and relname = $2) as taken`

/** What belongs to no piece, or would act on the draft. */
const NEVER = /^\d+; \d+ \d+ (FK CONSTRAINT|EVENT TRIGGER|PUBLICATION|SUBSCRIPTION|MATERIALIZED VIEW DATA)\b/

/**
 * Lays the structure of the whole database and the rows of the piece. Foreign keys are left out: what they lead to may have no
 * rows.
 */
async function fillDraft(loading: Loading, wanted: Wanted, draft: string): Promise<Selection> {
  const { reader } = loading
  const { doing, database, schema, piece } = wanted
  const { part } = database
  const into = databaseArgument(draft)
  await restorePart(reader, part, ['--section=pre-data', into], { doing, beginning: true })
  const selection = await loading.inDatabase(draft, (ask) => selectionOf(ask, schema, piece.table))
  if (!selection) {
    throw new Fault('not_found', `${doing}: the set has none in database ${id(piece.database)}`, {
      hint: 'Names are taken as they are, in upper and lower case.',
    })
  }
  const tables = selection.tables.map((name) => `--table=${name}`)
  await restorePart(reader, part, ['--section=data', `--schema=${schema}`, ...tables, into], { doing })
  const list = await scriptOf(reader, part, ['--list', '--section=post-data'], doing)
  const views = piece.table === undefined ? ` MATERIALIZED VIEW DATA ${schema} ` : undefined
  const lines = list.split('\n').filter((line) => !NEVER.test(line) || (views !== undefined && line.includes(views)))
  const file = await reader.session.file(lines.join('\n'))
  await restorePart(reader, part, [`--use-list=${file}`, into], { doing, beginning: true })
  return selection
}

/** Adds the foreign keys within the piece. Gives those that lead out of it. */
async function addForeignKeys(
  { reader, inDatabase }: Loading,
  { database, doing }: Wanted,
  selection: Selection,
  draft: string,
): Promise<readonly ForeignKey[]> {
  const list = await scriptOf(reader, database.part, ['--list', '--section=post-data'], doing)
  const lines = list.split('\n').filter((line) => /^\d+; \d+ \d+ FK CONSTRAINT /.test(line))
  if (lines.length === 0) return []
  const file = await reader.session.file(`${lines.join('\n')}\n`)
  const keys = readForeignKeys(await scriptOf(reader, database.part, [`--use-list=${file}`], doing), selection)
  await inDatabase(draft, (ask) => addInside(ask, keys.inside, doing))
  return keys.outside
}

interface Move {
  readonly selection: Selection
  readonly draft: string
  readonly schemaIsThere: boolean
}

async function moveHome(loading: Loading, wanted: Wanted, { selection, draft, schemaIsThere }: Move): Promise<void> {
  const { reader, target, binDirs } = loading
  const { piece, schema, home, doing } = wanted
  const tool = await findTool('pg_dump', target.major, binDirs, { signal: reader.signal })
  const [name] = placeOf(piece, schema)
  const what =
    piece.table === undefined
      ? [`--schema=${id(name)}`]
      : selection.renamed(piece.as).map((table) => `--table=${id(schema)}.${id(table)}`)
  const args = ['--format=custom', '--compress=0', '--no-password', '--strict-names', ...what, databaseArgument(draft)]
  const dumped = readProgram(tool.path, args, reader.session.options('engine_failed', doing))
  // Told of a schema, pg_restore does not create it.
  const within = piece.table === undefined && schemaIsThere ? [`--schema=${name}`] : []
  await restoreBytes(reader, dumped, ['--single-transaction', ...within, databaseArgument(home)], { doing })
}
