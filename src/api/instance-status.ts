import type { Catalog } from '../catalog/catalog.ts'
import type { Instance } from '../core/instance.ts'

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
