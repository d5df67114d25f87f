import type { Piece } from '../core/task.ts'
import { RdsError } from './errors.ts'
import { databaseName } from './parameters.ts'
import type { tableMeta } from './table-meta.ts'

/** What of a logical set is wanted, as RestoreBackup's parameters say it. */
export interface PieceValues {
  readonly DBName?: string | undefined
  readonly SchemaName?: string | undefined
  readonly TableName?: string | undefined
  readonly NewName?: string | undefined
  readonly TargetDBName?: string | undefined
}

/** Refuses parts of a piece without what they are parts of. */
export function checkPieceValues({ DBName, SchemaName, TableName, NewName, TargetDBName }: PieceValues): void {
  const named = Object.entries({ SchemaName, TableName, NewName, TargetDBName })
  const [without] = named.find(([, value]) => value !== undefined) ?? []
  if (DBName === undefined && without !== undefined) {
    throw new RdsError('InvalidParameterCombination', `${without} needs DBName.`)
  }
  if (TargetDBName !== undefined && SchemaName === undefined && TableName === undefined) {
    throw new RdsError(
      'InvalidParameterCombination',
      'TargetDBName needs SchemaName or TableName: a whole database gets another name by NewName.',
    )
  }
}

/** The piece that the values name; undefined for the whole set. */
export const pieceOf = ({ DBName, SchemaName, TableName, NewName, TargetDBName }: PieceValues): Piece | undefined =>
  DBName === undefined
    ? undefined
    : {
        database: DBName,
        ...piecePart(SchemaName ?? (TableName === undefined ? undefined : 'public'), TableName),
        ...(NewName !== undefined && { as: NewName }),
        ...(TargetDBName !== undefined && { into: TargetDBName }),
      }

const piecePart = (schema: string | undefined, table: string | undefined) => ({
  ...(schema !== undefined && { schema }),
  ...(table !== undefined && { table }),
})

type Meta = NonNullable<ReturnType<(typeof tableMeta)['codec']['parse']>>

/**
 * The pieces that RestoreTable's TableMeta names: whole databases, and tables, each of public or as `schema.table`. Refuses one
 * that is named twice.
 */
export function piecesOf(meta: Meta): readonly Piece[] {
  const pieces = meta.flatMap((database): Piece[] => {
    const { name, newname, tables } = database
    if (!tables || tables.length === 0) return [{ database: name, ...(newname !== undefined && { as: newname }) }]
    return tables.map((table) => ({
      database: name,
      ...placeOf(table.name),
      ...(table.newname !== undefined && { as: placeOf(table.newname).table }),
      ...(newname !== undefined && { into: newname }),
    }))
  })
  const seen = pieces.map(({ database, schema, table }) => JSON.stringify([database, schema, table]))
  const named = pieces.flatMap(({ as, into }) => [as ?? 'its own', into ?? 'its own'])
  const good = named.every((name) => databaseName.parse(name) !== undefined)
  if (good && pieces.length > 0 && new Set(seen).size === seen.length) return pieces
  throw new RdsError(
    'InvalidParamTableMeta',
    'TableMeta must name at least one database and nothing twice, and new names of 1 to 63 bytes.',
  )
}

function placeOf(name: string): { schema: string; table: string } {
  const dot = name.indexOf('.')
  return dot < 1 ? { schema: 'public', table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) }
}
