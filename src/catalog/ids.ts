import { sql, type Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Catalog } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import type { Tables } from './tables.ts'

/** The number that a decimal id below 2^53 means; undefined for any other text, which no row can have. */
export function numberOf(id: string): number | undefined {
  if (!/^\d{1,16}$/.test(id)) return undefined
  const number = Number(id)
  return Number.isSafeInteger(number) ? number : undefined
}

/** The same for an id that must be one: Fault 'not_found' naming `what` otherwise. */
export function needNumber(id: string, what: string): number {
  const number = numberOf(id)
  if (number === undefined) throw new Fault('not_found', `no ${what} ${id}`)
  return number
}

/**
 * A fresh id: one more than the last, or the milliseconds of now if that is more. So ids stay below 2^53 for some 280,000
 * years, and an empty catalog on another machine, before its rebuild is through, gives none that was given before.
 */
export async function nextId(trx: Transaction<Tables>, { now }: Pick<Database, 'now'>): Promise<number> {
  const { last_id } = await trx
    .updateTable('about')
    .set({ last_id: sql<number>`case when last_id < ${now()} then ${now()} else last_id + 1 end` })
    .returning('last_id')
    .executeTakeFirstOrThrow()
  return last_id
}

/** The beginning of 2020: seconds since then fit into 31 bits until 2088. */
const FIRST_MS = 1_577_836_800_000

/**
 * A fresh id of a task: one more than the last, or the seconds since 2020 if that is more. Below 2^31, which the Java clients of RDS
 * need. Tasks that an earlier version added keep their larger ids.
 */
export async function nextTaskId(trx: Transaction<Tables>, { now }: Pick<Database, 'now'>): Promise<number> {
  const seconds = sql<number>`cast((${now()} - ${sql.lit(FIRST_MS)}) / 1000 as bigint)`
  const { last_task_id } = await trx
    .updateTable('about')
    .set({ last_task_id: sql<number>`case when last_task_id < ${seconds} then ${seconds} else last_task_id + 1 end` })
    .returning('last_task_id')
    .executeTakeFirstOrThrow()
  return last_task_id
}

/** Makes sure that no task id up to `id` is given any more; ids that a version 2 catalog gave are none of these. */
export async function passTaskIds(trx: Transaction<Tables>, id: number): Promise<void> {
  if (id >= 2 ** 31) return
  await trx.updateTable('about').set({ last_task_id: id }).where('last_task_id', '<', id).execute()
}

/** Waits for everyone who adds something with an id, and has them wait until the transaction ends. */
export async function lockIds(trx: Transaction<Tables>): Promise<void> {
  await trx
    .updateTable('about')
    .set((about) => ({ last_id: about.ref('last_id') }))
    .execute()
}

/** Makes sure that no id up to `id` is given any more. */
export async function passIds(trx: Transaction<Tables>, id: number): Promise<void> {
  await trx.updateTable('about').set({ last_id: id }).where('last_id', '<', id).execute()
}

export const idMethods = ({ database }: Deps): Pick<Catalog, 'newId'> => ({
  newId: () => database.write(async (trx) => String(await nextId(trx, database))),
})
