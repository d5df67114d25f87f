import { z } from 'zod'
import { defineAction } from '../action.ts'
import { instanceId } from '../parameters.ts'
import { requireRegistered } from '../require.ts'

const netInfo = z.object({
  ConnectionString: z.string().describe('Host of the node, as it was registered.'),
  ConnectionStringType: z.enum(['Normal', 'ReadWriteSplitting']),
  IPAddress: z.string(),
  IPType: z.literal('Private'),
  Port: z.string(),
  Upgradeable: z.literal('Disabled'),
  VPCId: z.literal(''),
  VSwitchId: z.literal(''),
  ExpiredTime: z.literal(''),
  DBInstanceWeights: z.object({ DBInstanceWeight: z.array(z.never()) }),
  SecurityIPGroups: z.object({ securityIPGroup: z.array(z.never()) }),
})

/** Where the nodes of an instance listen. */
export const describeDBInstanceNetInfo = defineAction({
  name: 'DescribeDBInstanceNetInfo',
  about: 'Tells where the nodes of an instance listen, the primary first.',
  extension: false,
  mutates: false,
  parameters: { DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' } },
  neglected: {
    ClientToken: 'ignored',
    DBInstanceNetRWSplitType: 'ignored',
    Flag: 'ignored',
    GeneralGroupName: 'ignored',
  },
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: z.object({
    InstanceNetworkType: z.literal('VPC'),
    SecurityIPMode: z.literal('normal'),
    DBInstanceNetInfos: z.object({ DBInstanceNetInfo: z.array(netInfo) }),
  }),

  async handle({ DBInstanceId }, { catalog }) {
    const { nodes } = await requireRegistered(catalog, DBInstanceId)
    return {
      InstanceNetworkType: 'VPC' as const,
      SecurityIPMode: 'normal' as const,
      DBInstanceNetInfos: {
        DBInstanceNetInfo: nodes.map(({ role, address }) => ({
          ConnectionString: address.host,
          ConnectionStringType: role === 'primary' ? ('Normal' as const) : ('ReadWriteSplitting' as const),
          IPAddress: address.host,
          IPType: 'Private' as const,
          Port: String(address.port),
          Upgradeable: 'Disabled' as const,
          VPCId: '' as const,
          VSwitchId: '' as const,
          ExpiredTime: '' as const,
          DBInstanceWeights: { DBInstanceWeight: [] },
          SecurityIPGroups: { securityIPGroup: [] },
        })),
      },
    }
  },
})
