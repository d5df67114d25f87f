import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { Piece } from '../../core/task.ts'
import type { Ask } from './ask.ts'
import type { Selection } from './piece-selection.ts'
import { nameIn, sqlPattern, sqlStatements } from './sql-statements.ts'

/** The statement that adds a foreign key, and the table that it is of. */
export interface ForeignKey {
  readonly statement: string
  readonly table: string
}

const HEAD = sqlPattern(String.raw`^ALTER TABLE (?:ONLY )?%I\.%I\s`)
const REFERENCED = sqlPattern(String.raw`\sREFERENCES %I\.%I\s*\(`)

/**
 * The foreign keys of a piece, by where they lead: to something of the piece itself, or out of it. Those of other tables are left
 * out.
 */
export function readForeignKeys(
  script: string,
  selection: Selection,
): { readonly inside: readonly ForeignKey[]; readonly outside: readonly ForeignKey[] } {
  const isIn = ([, schema = '', table = '']: RegExpExecArray) =>
    nameIn(schema) === selection.schema && (selection.table === undefined || selection.tables.includes(nameIn(table)))
  const inside: ForeignKey[] = []
  const outside: ForeignKey[] = []
  for (const statement of sqlStatements(script)) {
    const head = HEAD.exec(statement)
    if (!head || !isIn(head)) continue
    const to = REFERENCED.exec(statement)
    const home = to && isIn(to) ? inside : outside
    home.push({ statement, table: nameIn(head[2] ?? '') })
  }
  return { inside, outside }
}

/** Adds the keys within the piece, whose rows are all there. */
export async function addInside(ask: Ask, keys: readonly ForeignKey[], doing: string): Promise<void> {
  for (const { statement } of keys) {
    await ask(statement).catch((cause: Error) => {
      throw new Fault('engine_failed', `${doing}: ${cause.message}`, { cause })
    })
  }
}

/**
 * Adds the keys that lead to what the target has, under the piece's new name. One that does not hold there is no failure of the
 * restore: it is told, with the statement to run when it does.
 */
export async function addOutside(
  ask: Ask,
  keys: readonly ForeignKey[],
  { piece, schema }: { piece: Piece; schema: string },
): Promise<string[]> {
  const warnings: string[] = []
  for (const { statement, table } of keys) {
    const [newSchema, newTable] =
      piece.table === undefined
        ? [piece.as ?? schema, table]
        : [schema, table === piece.table ? (piece.as ?? table) : table]
    const place = `${pg.escapeIdentifier(newSchema)}.${pg.escapeIdentifier(newTable)}`
    const renamed = statement.replace(HEAD, () => `ALTER TABLE ${place} `)
    await ask(renamed).catch((cause: Error) => {
      warnings.push(`a foreign key is not brought back (${cause.message}): ${renamed};`)
    })
  }
  return warnings
}
