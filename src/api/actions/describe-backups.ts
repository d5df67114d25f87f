import { z } from 'zod'
import type { SetQuery } from '../../catalog/catalog.ts'
import type { BackupSet } from '../../core/backup-set.ts'
import { earliestEnd } from '../../core/retention.ts'
import { defineAction } from '../action.ts'
import { backupItem, renderBackup } from '../backup-item.ts'
import { requireInstance } from '../require.ts'
import { instanceId, oneOf } from '../parameters.ts'
import { SET_FILTERS, requireSpan } from '../set-filters.ts'

/** The action that the service was born for: the sets of an instance, newest first, with their links. */
export const describeBackups = defineAction({
  name: 'DescribeBackups',
  about: 'Lists the backup sets of an instance, newest first, with links to download them.',
  extension: false,
  mutates: false,
  parameters: {
    ...SET_FILTERS,
    DBInstanceId: {
      codec: instanceId,
      required: true,
      about: 'The instance. One that was deregistered keeps its sets.',
    },
    BackupType: { codec: oneOf(['FullBackup', 'IncrementalBackup']), about: 'Only sets of this type.' },
  },
  combine: (values) => requireSpan(values),
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidParameterCombination'],
  faults: {},
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int().describe('Sets on this page.'),
    TotalRecordCount: z.int().describe('Sets on all pages.'),
    TotalEcsSnapshotSize: z.literal(0),
    Items: z.object({ Backup: z.array(backupItem) }),
  }),

  async cacheKey(values, { catalog, links }) {
    const version = await catalog.instanceVersion(values.DBInstanceId)
    if (version === undefined) return undefined
    return [...Object.values(queryOf(values)), version, links.expiry()].join(' ')
  },

  async handle(values, context) {
    const query = queryOf(values)
    const { catalog, links } = context
    const [{ total, items }, known] = await Promise.all([catalog.sets(query), catalog.policyOf(query.instanceId)])
    if (total === 0) await requireInstance(catalog, query.instanceId)
    const end = (set: BackupSet) => known && earliestEnd(set, known.policy, known.released)
    return {
      PageNumber: values.PageNumber,
      PageRecordCount: items.length,
      TotalRecordCount: total,
      TotalEcsSnapshotSize: 0,
      Items: { Backup: items.map((set) => renderBackup(set, links, end(set))) },
    }
  },
})

interface Wanted {
  readonly DBInstanceId: string
  readonly BackupId: string | undefined
  readonly BackupStatus: SetQuery['status']
  readonly BackupMode: SetQuery['mode']
  readonly BackupType: SetQuery['type']
  readonly StartTime: SetQuery['from']
  readonly EndTime: SetQuery['to']
  readonly PageSize: number
  readonly PageNumber: number
}

/** What to ask the catalog; its values in this order are also the key of the page. */
const queryOf = (wanted: Wanted) =>
  ({
    instanceId: wanted.DBInstanceId,
    setId: wanted.BackupId,
    status: wanted.BackupStatus,
    mode: wanted.BackupMode,
    type: wanted.BackupType,
    from: wanted.StartTime,
    to: wanted.EndTime,
    offset: (wanted.PageNumber - 1) * wanted.PageSize,
    limit: wanted.PageSize,
  }) satisfies SetQuery
