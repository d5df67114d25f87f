import { sqlState, type Ask } from './ask.ts'
import { mismatchesIn } from './restore-check.ts'

/** What was found of an index that is not as it should be, and whether the set is to blame for it. */
export interface IndexFinding {
  readonly message: string
  readonly blamed: boolean
}

/** data_corrupted, index_corrupted: what amcheck says of an index that is. */
const CORRUPT = new Set(['XX001', 'XX002'])

/**
 * Checks the order of a B-tree index, and that every row of its table is in it; undefined when all is well. Not the set's fault are
 * text that this machine sorts by another version of a collation, and an expression that cannot be evaluated without the settings
 * of its users: then only the order is checked. `schema` is that of the extension amcheck.
 */
export async function checkIndex(ask: Ask, schema: string, oid: number): Promise<IndexFinding | undefined> {
  const whole = await failureOf(ask, schema, oid, true)
  if (whole === undefined) return undefined
  if (CORRUPT.has(sqlState(whole) ?? '')) return judged(ask, oid, whole)
  const order = await failureOf(ask, schema, oid, false)
  if (order !== undefined) return judged(ask, oid, order)
  return { message: `not compared with the rows of its table: ${whole.message}`, blamed: false }
}

async function failureOf(ask: Ask, schema: string, oid: number, withRows: boolean): Promise<Error | undefined> {
  try {
    await ask(`select ${schema}.bt_index_check($1::oid::regclass, $2)`, [oid, withRows])
    return undefined
  } catch (error) {
    if (error instanceof Error && sqlState(error) !== undefined) return error
    throw error
  }
}

async function judged(ask: Ask, oid: number, { message }: Error): Promise<IndexFinding> {
  const others = (await mismatchesIn(ask)).map((one) => one.oid)
  const sql = 'select 1 from pg_index where indexrelid = $1::oid and indcollation::oid[] && ($2::int[])::oid[]'
  const [sortedElsewhere] = others.length === 0 ? [] : await ask(sql, [oid, others])
  if (!sortedElsewhere) return { message, blamed: true }
  return { message: `not judged, this machine having another version of its collation: ${message}`, blamed: false }
}
