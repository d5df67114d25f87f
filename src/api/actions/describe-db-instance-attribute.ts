import { z } from 'zod'
import type { Instance } from '../../core/instance.ts'
import { defineAction } from '../action.ts'
import {
  createdTime,
  instanceItem,
  nodeItem,
  primaryOf,
  renderInstance,
  renderNode,
  renderSettings,
  settingsItem,
} from '../instance-item.ts'
import { releasing, statusOf, type InstanceStatus } from '../instance-status.ts'
import { instanceId, list } from '../parameters.ts'
import { requireRegistered } from '../require.ts'

const clusterNode = z.object({
  NodeId: z.string().describe('The HostInstanceID of the sets it gives.'),
  NodeRole: z.enum(['primary', 'secondary']),
  Status: z.literal('active'),
})

const attribute = instanceItem.extend({
  CreationTime: z.string(),
  Port: z.string(),
  DBClusterNodes: z.object({ DBClusterNode: z.array(clusterNode) }),
  SystemIdentifier: z.string().describe('Extension: what tells this database from any other; empty if none was seen.'),
  Nodes: z.object({ Node: z.array(nodeItem) }).describe('Extension: where its nodes listen.'),
  Settings: settingsItem.describe('Extension: what ModifyDBInstanceSettings sets.'),
})

/** All about some instances. */
export const describeDBInstanceAttribute = defineAction({
  name: 'DescribeDBInstanceAttribute',
  about: 'Shows the nodes, the settings and the rest of up to 30 registered instances.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: {
      codec: list(instanceId, { max: 30 }),
      required: true,
      about: 'The instance, or up to 30 with commas between them.',
    },
  },
  neglected: { Expired: 'ignored' },
  errors: ['InvalidDBInstanceId.NotFound'],
  faults: {},
  reply: z.object({ Items: z.object({ DBInstanceAttribute: z.array(attribute) }) }),

  async handle({ DBInstanceId }, { catalog, region }) {
    const instances = await Promise.all(
      DBInstanceId.map((id) => requireRegistered(catalog, id, 'InvalidDBInstanceId.NotFound')),
    )
    const leaving = await releasing(catalog)
    return {
      Items: {
        DBInstanceAttribute: instances.map((instance) =>
          renderAttribute(instance, statusOf(instance, leaving), region),
        ),
      },
    }
  },
})

function renderAttribute(instance: Instance, status: InstanceStatus, region: string): z.infer<typeof attribute> {
  return {
    ...renderInstance(instance, status, region),
    CreationTime: createdTime(instance),
    Port: String(primaryOf(instance)?.address.port ?? ''),
    DBClusterNodes: {
      DBClusterNode: instance.nodes.map(({ id, role }) => ({
        NodeId: id,
        NodeRole: role === 'primary' ? 'primary' : 'secondary',
        Status: 'active',
      })),
    },
    SystemIdentifier: instance.systemIdentifier ?? '',
    Nodes: { Node: instance.nodes.map(renderNode) },
    Settings: renderSettings(instance),
  }
}
