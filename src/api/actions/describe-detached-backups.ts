import { z } from 'zod'
import type { Catalog, SetQuery } from '../../catalog/catalog.ts'
import type { BackupSet } from '../../core/backup-set.ts'
import type { Instance } from '../../core/instance.ts'
import { earliestEnd } from '../../core/retention.ts'
import { defineAction } from '../action.ts'
import { backupItem, renderBackup } from '../backup-item.ts'
import { requireRegion } from '../region.ts'
import { text } from '../parameters.ts'
import { SET_FILTERS, requireSpan } from '../set-filters.ts'

const item = backupItem.omit({ Engine: true, EngineVersion: true }).extend({
  DBInstanceComment: z.string().describe('Description of the instance.'),
})

/** The sets of instances that are no longer registered. */
export const describeDetachedBackups = defineAction({
  name: 'DescribeDetachedBackups',
  about: 'Lists the sets of instances that were deregistered, newest first, with links to download them.',
  extension: false,
  mutates: false,
  limited: 'filters',
  parameters: {
    Region: { codec: text({ max: 64 }), required: true, about: 'The region of this service.' },
    ...SET_FILTERS,
  },
  neglected: { ResourceGroupId: 'ignored' },
  combine: (values) => requireSpan(values),
  errors: ['InvalidRegionId.NotFound', 'InvalidParameterCombination'],
  faults: {},
  reply: z.object({
    PageNumber: z.string(),
    PageRecordCount: z.string(),
    TotalRecordCount: z.int(),
    Items: z.object({ Backup: z.array(item) }),
  }),

  async handle(values, { catalog, region, links, caller }) {
    requireRegion(values.Region, region)
    const instances = await detached(catalog, values.DBInstanceId, caller.rights.instances)
    const end = values.PageNumber * values.PageSize
    const query = {
      setId: values.BackupId,
      status: values.BackupStatus,
      mode: values.BackupMode,
      from: values.StartTime,
      to: values.EndTime,
      offset: 0,
      // Of each no more than what could be on this page.
      limit: Math.min(end, MOST),
    } satisfies Omit<SetQuery, 'instanceId'>
    const pages = await Promise.all(instances.map(({ id }) => catalog.sets({ ...query, instanceId: id })))
    const sets = pages.flatMap(({ items }) => items).toSorted(newestFirst)
    const page = sets.slice(end - values.PageSize, end)
    const ends = new Map(
      await Promise.all(
        [...new Set(page.map(({ instanceId }) => instanceId))].map(
          async (id) => [id, await catalog.policyOf(id)] as const,
        ),
      ),
    )
    const comments = new Map(instances.map(({ id, description }) => [id, description]))
    return {
      PageNumber: String(values.PageNumber),
      PageRecordCount: String(page.length),
      TotalRecordCount: pages.reduce((sum, { total }) => sum + total, 0),
      Items: {
        Backup: page.map((set) => {
          const known = ends.get(set.instanceId)
          const end = known && earliestEnd(set, known.policy, known.released)
          const { Engine: _engine, EngineVersion: _version, ...shown } = renderBackup(set, links, end)
          return { ...shown, DBInstanceComment: comments.get(set.instanceId) ?? '' }
        }),
      },
    }
  },
})

/** Pages are reached no further than this many sets of one instance. */
const MOST = 100_000
const INSTANCES = 100

const newestFirst = (a: BackupSet, b: BackupSet) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id)

async function detached(
  catalog: Catalog,
  id: string | undefined,
  ids: readonly string[] | undefined,
): Promise<Instance[]> {
  const found: Instance[] = []
  for (let offset = 0; ; offset += INSTANCES) {
    const { items } = await catalog.instances({ id, ids, registeredOnly: false, offset, limit: INSTANCES })
    found.push(...items.filter(({ deregisteredAt }) => deregisteredAt !== undefined))
    if (items.length < INSTANCES) return found
  }
}
