import type { Transaction } from 'kysely'
import { sharesOf } from '../core/bandwidth.ts'
import type { InstanceSettings } from '../core/instance.ts'
import type { Once } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { spend } from './once.ts'
import type { Tables } from './tables.ts'

/** How many bytes a second backups may put into the store. */
export interface BandwidthCatalog {
  /** The limit of the service; 0 for none. */
  bandwidth(): Promise<number>
  /** Changes it. Backups that run hear of it with the next renewal of their leases. */
  setBandwidth(bytesPerSecond: number, once?: Once): Promise<void>
}

export const bandwidthMethods = ({ database }: Deps): BandwidthCatalog => ({
  bandwidth: () =>
    database.read(async (db) => (await db.selectFrom('about').select('bandwidth').executeTakeFirstOrThrow()).bandwidth),

  setBandwidth: (bytesPerSecond, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      await trx.updateTable('about').set({ bandwidth: bytesPerSecond }).execute()
    }),
})

/**
 * What the backup that a task takes may use now, of the service's limit and its instance's: all that run count, in whichever worker.
 * Undefined for as much as it can.
 */
export async function shareOf(
  trx: Transaction<Tables>,
  { now }: Database,
  taskId: number,
): Promise<number | undefined> {
  const running = await trx
    .selectFrom('tasks')
    .innerJoin('instances', 'instances.id', 'tasks.instance_id')
    .innerJoin('about', (join) => join.onTrue())
    .select(['tasks.id', 'instances.settings', 'about.bandwidth'])
    .where('tasks.kind', '=', 'take-backup')
    .where('tasks.state', '=', 'running')
    .where('tasks.due_at', '>', now())
    .execute()
  const limits = running.map(({ settings }) => (JSON.parse(settings) as InstanceSettings).maxBytesPerSecond ?? 0)
  const shares = sharesOf(running[0]?.bandwidth ?? 0, limits)
  return shares[running.findIndex(({ id }) => id === taskId)] || undefined
}
