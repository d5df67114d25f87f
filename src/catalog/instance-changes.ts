import { sql, type Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import type { Catalog, InstanceChange, NewInstance } from './catalog.ts'
import type { Database, Deps } from './database.ts'
import { raiseVersion } from './holds.ts'
import { needNumber } from './ids.ts'
import { instanceRow, needInstance, noInstance } from './instances.ts'
import { addNodes, addressRow, withFormerIds } from './nodes.ts'
import { spend } from './once.ts'
import { putFirstPolicy } from './policy-rows.ts'
import type { Tables } from './tables.ts'
import { IS_OPEN } from './task-rows.ts'

type Methods = 'addInstance' | 'updateInstance' | 'deregisterInstance'

export const instanceMethods = (deps: Deps): Pick<Catalog, Methods> => ({
  addInstance: (instance, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      return addInstance(trx, deps, instance)
    }),

  updateInstance: (id, change, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      return changeInstance(trx, deps, id, change)
    }),

  deregisterInstance: (id, at, once) =>
    deps.database.write(async (trx) => {
      await spend(trx, once)
      await deregister(trx, id, at)
    }),
})

/** Adds an instance with its nodes, or takes up one that was deregistered. */
export async function addInstance(trx: Transaction<Tables>, deps: Deps, instance: NewInstance): Promise<Instance> {
  const { id } = instance
  const row = instanceRow(instance)
  const taken = await trx
    .insertInto('instances')
    .values({ id, ...row, version: 1, last_success_at: null, last_duration_ms: null })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ ...row, version: sql`instances.version + 1` })
        .where('instances.deregistered_at', 'is not', null),
    )
    .returning('id')
    .executeTakeFirst()
  if (!taken) throw new Fault('conflict', `add instance ${id}: the id is taken`)
  const former = await trx.deleteFrom('nodes').where('instance_id', '=', id).returningAll().execute()
  await addNodes(trx, deps, id, withFormerIds(instance.nodes, former))
  if (instance.policy) await putFirstPolicy(trx, id, instance.policy, instance.createdAt)
  return needInstance(trx, deps.sealer, id)
}

/** Changes what is named of an instance, and raises its version. Fault 'not_found' when there is none. */
export async function changeInstance(
  trx: Transaction<Tables>,
  deps: Deps,
  id: string,
  change: InstanceChange,
): Promise<Instance> {
  // First of all, so that no other change of the same instance comes between what is read and what is written.
  await raiseVersion(trx, id)
  const { settings } = await needInstance(trx, deps.sealer, id)
  await trx
    .updateTable('instances')
    .set({
      settings: JSON.stringify({ ...settings, ...change.settings }),
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(change.engineVersion === undefined ? {} : { engine_version: change.engineVersion }),
      ...(change.systemIdentifier === undefined ? {} : { system_identifier: change.systemIdentifier }),
    })
    .where('id', '=', id)
    .execute()
  for (const [node, role] of Object.entries(change.roles ?? {})) {
    await need(
      trx.updateTable('nodes').set({ role }).where('instance_id', '=', id).where('id', '=', needNumber(node, 'node')),
      node,
    )
  }
  for (const [node, address] of Object.entries(change.addresses ?? {})) {
    const number = needNumber(node, 'node')
    const row = addressRow(number, address, deps.sealer)
    await need(trx.updateTable('nodes').set(row).where('instance_id', '=', id).where('id', '=', number), node)
  }
  for (const node of change.removeNodes ?? []) {
    await need(trx.deleteFrom('nodes').where('instance_id', '=', id).where('id', '=', needNumber(node, 'node')), node)
  }
  await addNodes(trx, deps, id, change.addNodes ?? [])
  const changed = await needInstance(trx, deps.sealer, id)
  if (change.removeNodes && changed.nodes.length === 0) {
    throw new Fault('conflict', `remove nodes of instance ${id}: none would be left`)
  }
  return changed
}

/** Fault 'not_found' unless the statement found its node. */
async function need(
  statement: { executeTakeFirstOrThrow(): Promise<{ numUpdatedRows: bigint } | { numDeletedRows: bigint }> },
  node: string,
): Promise<void> {
  const result = await statement.executeTakeFirstOrThrow()
  const rows = 'numUpdatedRows' in result ? result.numUpdatedRows : result.numDeletedRows
  if (rows === 0n) throw new Fault('not_found', `no node ${node}`)
}

/** Deregisters the instance that a clone was to make and did not. A task of another kind has none. */
export async function dropUnmade(trx: Transaction<Tables>, { now }: Database, taskId: number): Promise<void> {
  await trx
    .updateTable('instances')
    .set({ deregistered_at: now(), version: sql`version + 1` })
    .where('deregistered_at', 'is', null)
    .where('id', '=', (instances) =>
      instances
        .selectFrom('tasks')
        .select(sql<string>`instance_id`.as('id'))
        .where('tasks.id', '=', taskId)
        .where('kind', '=', 'clone'),
    )
    .execute()
}

/** Its nodes stay, without their passwords: sets name them, and they get their ids back when the instance comes back. */
async function deregister(trx: Transaction<Tables>, id: string, at: number): Promise<void> {
  const found = await trx
    .updateTable('instances')
    .set({ deregistered_at: at, version: sql`version + 1` })
    .where('id', '=', id)
    .where('deregistered_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!found) throw noInstance(id)
  const backup = await trx
    .selectFrom('tasks')
    .select('id')
    .where('instance_id', '=', id)
    .where('kind', '=', 'take-backup')
    .where(IS_OPEN)
    .executeTakeFirst()
  if (backup) {
    throw new Fault('locked', `deregister instance ${id}: a backup of it has not ended`, {
      hint: `Wait for task ${backup.id}, or cancel it.`,
    })
  }
  await trx.updateTable('nodes').set({ password: null }).where('instance_id', '=', id).execute()
}
