import { z } from 'zod'
import type { InstanceQuery } from '../../catalog/catalog.ts'
import { defineAction, type Neglect } from '../action.ts'
import { RdsError } from '../errors.ts'
import { createdTime, instanceItem, renderInstance } from '../instance-item.ts'
import { releasing, statusOf } from '../instance-status.ts'
import { engineKind } from '../names.ts'
import { instanceId, integer, oneOf, text } from '../parameters.ts'
import { requireRegion } from '../region.ts'

const LARGEST_PAGE_NUMBER = 2_147_483_647

/** A filter that is not honoured would give more instances than were asked for, to a caller who may delete their sets. */
const FILTERS: Readonly<Record<string, Neglect>> = {
  Category: 'refused',
  ConnectionMode: 'refused',
  ConnectionString: 'refused',
  DBInstanceClass: 'refused',
  DBInstanceType: 'refused',
  DedicatedHostGroupId: 'refused',
  DedicatedHostId: 'refused',
  EngineVersion: 'refused',
  Expired: 'refused',
  Filter: 'refused',
  InstanceLevel: 'refused',
  InstanceNetworkType: 'refused',
  PayType: 'refused',
  QueryAutoRenewal: 'refused',
  Tags: 'refused',
  VSwitchId: 'refused',
  VpcId: 'refused',
  ZoneId: 'refused',
}

/** The registered instances. */
export const describeDBInstances = defineAction({
  name: 'DescribeDBInstances',
  about: 'Lists the registered instances, by page number or by token.',
  extension: false,
  mutates: false,
  limited: 'filters',
  parameters: {
    RegionId: { codec: text({ max: 64 }), required: true, about: 'The region of this service.' },
    DBInstanceId: { codec: instanceId, about: 'Only the instance of this id.' },
    Engine: { codec: oneOf(['MySQL', 'MariaDB', 'PostgreSQL', 'SQLServer']), about: 'Only instances of this engine.' },
    DBInstanceStatus: {
      codec: text({ min: 1, max: 64 }),
      about: 'Only instances of this status: Creating, Running or Deleting. None has another.',
    },
    SearchKey: { codec: text({ max: 256 }), about: 'Only instances whose id or description contains this text.' },
    PageSize: { codec: integer({ min: 1, max: 100 }), default: 30, about: 'Instances on a page.' },
    PageNumber: { codec: integer({ min: 1, max: LARGEST_PAGE_NUMBER }), default: 1, about: 'Which page.' },
    MaxResults: { codec: integer({ min: 1, max: 100 }), about: 'Instances on a page, when paging by token.' },
    NextToken: {
      codec: text({ min: 1, max: 64 }),
      malformed: 'Invalid.NextToken',
      about: 'The token that the page before gave; empty for the first one. Then PageNumber has no meaning.',
    },
  },
  neglected: { ...FILTERS, ClientToken: 'ignored', ResourceGroupId: 'ignored', proxyId: 'ignored' },
  combine: ({ NextToken }) => void offsetOf(NextToken),
  errors: ['InvalidRegionId.NotFound', 'Invalid.NextToken'],
  faults: {},
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int(),
    TotalRecordCount: z.int(),
    NextToken: z.string().describe('Asks for the next page; empty on the last one.'),
    Items: z.object({ DBInstance: z.array(instanceItem.extend({ CreateTime: z.string() })) }),
  }),

  async handle(values, { catalog, region, caller }) {
    requireRegion(values.RegionId, region)
    const byToken = values.MaxResults !== undefined || values.NextToken !== undefined
    const limit = byToken ? (values.MaxResults ?? 30) : values.PageSize
    const offset = byToken ? offsetOf(values.NextToken) : (values.PageNumber - 1) * limit
    const engine = values.Engine === undefined ? undefined : engineKind(values.Engine)
    const noEngine = values.Engine !== undefined && engine === undefined
    const leaving = await releasing(catalog)
    const ofStatus = whoseStatusIs(values.DBInstanceStatus, leaving, caller.rights.instances)
    const page =
      noEngine || ofStatus === undefined
        ? { total: 0, items: [] }
        : await catalog.instances({
            id: values.DBInstanceId,
            engine,
            search: values.SearchKey,
            registeredOnly: true,
            ...ofStatus,
            offset,
            limit,
          })
    const end = offset + page.items.length
    return {
      PageNumber: byToken ? Math.floor(offset / limit) + 1 : values.PageNumber,
      PageRecordCount: page.items.length,
      TotalRecordCount: page.total,
      NextToken: page.items.length > 0 && end < page.total ? tokenOf(end) : '',
      Items: {
        DBInstance: page.items.map((item) => ({
          ...renderInstance(item, statusOf(item, leaving), region),
          CreateTime: createdTime(item),
        })),
      },
    }
  },
})

/** How instances of a status are asked for, among those that the caller may see; undefined for one that none has. */
function whoseStatusIs(
  status: string | undefined,
  leaving: ReadonlySet<string>,
  seen: readonly string[] | undefined,
): Pick<InstanceQuery, 'ids' | 'notIds' | 'made'> | undefined {
  if (status === undefined) return { ids: seen }
  if (status === 'Creating') return { ids: seen, made: false }
  if (status === 'Running') return { ids: seen, made: true, notIds: [...leaving] }
  return status === 'Deleting' ? { ids: [...leaving].filter((id) => seen?.includes(id) ?? true) } : undefined
}

const tokenOf = (offset: number) => Buffer.from(`after ${offset}`).toString('base64url')

function offsetOf(token: string | undefined): number {
  if (token === undefined) return 0
  const [, digits] = /^after (\d{1,12})$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
  if (digits === undefined) throw new RdsError('Invalid.NextToken', 'NextToken is not one that this service gave.')
  return Number(digits)
}
