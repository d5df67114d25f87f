import type { Catalog } from '../catalog/catalog.ts'
import type { Instance } from '../core/instance.ts'
import { RdsError, type RdsErrorCode } from './errors.ts'
import { requireRegistered } from './require.ts'

/** Creating: a clone makes it still, and it has no node. Deleting: it is released. */
export const INSTANCE_STATUSES = ['Creating', 'Running', 'Deleting'] as const
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number]

/** The ids of instances that are being released now. */
export async function releasing(catalog: Catalog): Promise<ReadonlySet<string>> {
  const tasks = await catalog.tasks({ kind: 'release', states: ['waiting', 'running'] })
  return new Set(tasks.flatMap(({ instanceId }) => instanceId ?? []))
}

export function statusOf({ id, nodes }: Instance, leaving: ReadonlySet<string>): InstanceStatus {
  if (nodes.length === 0) return 'Creating'
  return leaving.has(id) ? 'Deleting' : 'Running'
}

/** The registered instance of this id, which is neither being made nor released. */
export async function requireMade(catalog: Catalog, id: string, code?: RdsErrorCode): Promise<Instance> {
  const instance = await requireRegistered(catalog, id, code)
  const status = statusOf(instance, await releasing(catalog))
  if (status === 'Running') return instance
  const how = status === 'Creating' ? 'being made: wait for its task, or cancel it' : 'being released'
  throw new RdsError('IncorrectDBInstanceState', `The instance ${id} is ${how}.`)
}
