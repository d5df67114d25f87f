import { Fault } from '../../core/fault.ts'

/** Runs one statement on a connection and gives its rows. Values of int8 and numeric come as text. */
export type Ask = <Row>(sql: string, values?: readonly unknown[]) => Promise<Row[]>

/** Runs `work` on a connection of its own to a database of the server. */
export type InDatabase = <T>(database: string, work: (ask: Ask) => Promise<T>) => Promise<T>

/** Runs one statement; undefined when the server refuses it for want of rights or does not know what it names. */
export async function askIfAllowed<Row>(
  ask: Ask,
  sql: string,
  values?: readonly unknown[],
): Promise<Row[] | undefined> {
  try {
    return await ask<Row>(sql, values)
  } catch (error) {
    if (REFUSED.has(sqlState(error) ?? '')) return undefined
    throw error
  }
}

/** insufficient_privilege, undefined_function, undefined_table, undefined_object, query_canceled (our own time-out). */
const REFUSED = new Set(['42501', '42883', '42P01', '42704', '57014'])

/** The SQLSTATE of what the server said, wherever in the chain of causes; undefined when it is none of the server's. */
export function sqlState(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as Error & { code?: unknown }
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code
  }
  return undefined
}

/** What the server said as a Fault 'engine_failed', where it is none yet; every other error as it is. */
export function faultOfServer(error: unknown, doing: string): unknown {
  if (Fault.is(error) || sqlState(error) === undefined) return error
  return new Fault('engine_failed', `${doing}: ${(error as Error).message}`, { cause: error })
}
