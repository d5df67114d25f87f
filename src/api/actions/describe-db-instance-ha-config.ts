import { z } from 'zod'
import { defineAction } from '../action.ts'
import { roleName } from '../names.ts'
import { instanceId } from '../parameters.ts'
import { requireRegistered } from '../require.ts'

const nodeInfo = z.object({
  NodeId: z.string().describe('The HostInstanceID of the sets it gives.'),
  NodeType: z.enum(['Master', 'Slave']).describe('As last seen by a probe.'),
  RegionId: z.string(),
  ZoneId: z.string(),
  SyncStatus: z.literal('NotSupport').describe('Replication is the database’s own business.'),
  LogSyncTime: z.literal(''),
  DataSyncTime: z.literal(''),
})

/** Which node of an instance is the primary, and which are replicas. */
export const describeDBInstanceHAConfig = defineAction({
  name: 'DescribeDBInstanceHAConfig',
  about: 'Tells which node of an instance is Master and which are Slave, by HostInstanceID.',
  extension: false,
  mutates: false,
  parameters: { DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' } },
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: z.object({
    DBInstanceId: z.string(),
    SyncMode: z.literal('Async'),
    HAMode: z.literal('RPO'),
    HostInstanceInfos: z.object({ NodeInfo: z.array(nodeInfo) }),
  }),

  async handle({ DBInstanceId }, { catalog, region }) {
    const { nodes } = await requireRegistered(catalog, DBInstanceId)
    const NodeInfo = nodes.map(({ id, role }) => ({
      NodeId: id,
      NodeType: roleName(role),
      RegionId: region,
      ZoneId: `${region}-a`,
      SyncStatus: 'NotSupport' as const,
      LogSyncTime: '' as const,
      DataSyncTime: '' as const,
    }))
    return { DBInstanceId, SyncMode: 'Async' as const, HAMode: 'RPO' as const, HostInstanceInfos: { NodeInfo } }
  },
})
