import { z } from 'zod'
import type { SetQuery } from '../../catalog/catalog.ts'
import { defineAction } from '../action.ts'
import { backupItem, renderBackup } from '../backup-item.ts'
import { RdsError } from '../errors.ts'
import { requireInstance } from '../require.ts'
import { instanceId, integer, oneOf, pageSize, setId, utcMinuteOrSecond } from '../parameters.ts'

const LARGEST_PAGE_NUMBER = 2_147_483_647

/** The action that the service was born for: the sets of an instance, newest first, with their links. */
export const describeBackups = defineAction({
  name: 'DescribeBackups',
  about: 'Lists the backup sets of an instance, newest first, with links to download them.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: {
      codec: instanceId,
      required: true,
      about: 'The instance. One that was deregistered keeps its sets.',
    },
    BackupId: { codec: setId, about: 'Only the set of this id.' },
    BackupStatus: { codec: oneOf(['Success', 'Failed']), about: 'Only sets of this status.' },
    BackupMode: { codec: oneOf(['Automated', 'Manual']), about: 'Only sets of this mode.' },
    BackupType: { codec: oneOf(['FullBackup', 'IncrementalBackup']), about: 'Only sets of this type.' },
    StartTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidStartTime.Format',
      about: 'Only sets whose backup started at this second or later.',
    },
    EndTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidEndTime.Format',
      about: 'Only sets whose backup started at this second or earlier. Must be later than StartTime.',
    },
    PageSize: {
      codec: pageSize([30, 50, 100]),
      malformed: 'InvalidMaxRecordsPerPage.Malformed',
      default: 30,
      about: 'Sets on a page.',
    },
    PageNumber: {
      codec: integer({ min: 1, max: LARGEST_PAGE_NUMBER }),
      malformed: 'InvalidPageNumbers.Malformed',
      default: 1,
      about: 'Which page. Past the last one the page is empty.',
    },
  },
  combine({ StartTime, EndTime }) {
    if (StartTime === undefined || EndTime === undefined || EndTime > StartTime) return
    throw new RdsError('InvalidParameterCombination', 'EndTime must be later than StartTime.')
  },
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
    const { total, items } = await context.catalog.sets(query)
    if (total === 0) await requireInstance(context.catalog, query.instanceId)
    return {
      PageNumber: values.PageNumber,
      PageRecordCount: items.length,
      TotalRecordCount: total,
      TotalEcsSnapshotSize: 0,
      Items: { Backup: items.map((set) => renderBackup(set, context.links)) },
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
