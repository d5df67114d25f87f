import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import type { Piece } from '../core/task.ts'
import type { Parts } from './parts.ts'
import { printable } from './table.ts'
import { formatBytes } from './units.ts'

/** What of a logical set is wanted, as options say it. */
export interface PieceOptions {
  readonly database?: string
  readonly schema?: string
  readonly table?: string
  readonly as?: string
  readonly intoDatabase?: string
}

/** The piece that options name; undefined for the whole set. Fault 'invalid' that names the option which another one needs. */
export function pieceOf({ database, schema, table, as, intoDatabase: into }: PieceOptions): Piece | undefined {
  const named = Object.entries({ '--schema': schema, '--table': table, '--as': as, '--into-database': into })
  const [option] = named.find(([, value]) => value !== undefined) ?? []
  if (database === undefined) {
    if (option === undefined) return undefined
    throw new Fault('invalid', `${option} without --database`, {
      hint: 'Name the database of the set with --database.',
    })
  }
  if (into !== undefined && schema === undefined && table === undefined) {
    throw new Fault('invalid', '--into-database without --schema or --table', {
      hint: 'A whole database gets another name with --as.',
    })
  }
  // A table without a schema is in the one that PostgreSQL would look in.
  return { database, schema: schema ?? (table === undefined ? undefined : 'public'), table, as, into }
}

/** What is told of a logical set, or pieces of it, that went into a running server. */
export const intoShape = z.object({
  pieces: z
    .array(z.object({ database: z.string(), schema: z.string().optional(), table: z.string().optional() }))
    .readonly(),
  bytes: z.number(),
  warnings: z.array(z.string()).readonly(),
})

/** Tells what was restored under which name. Warnings go to stderr. */
export function printInto(setId: string, { pieces, bytes, warnings }: z.infer<typeof intoShape>, { io }: Parts): void {
  for (const warning of warnings) io.err.write(`warning: ${warning}\n`)
  for (const { database, schema, table } of pieces) {
    const of = schema === undefined ? '' : ` of database ${database}`
    const what =
      table === undefined
        ? schema === undefined
          ? `database ${database}`
          : `schema ${schema}`
        : `table ${schema}.${table}`
    io.out.write(printable(`restored ${what}${of}`) + '\n')
  }
  io.out.write(`set ${setId}: ${formatBytes(bytes)} read\n`)
}
