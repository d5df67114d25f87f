import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, integer, oneOf, setId, text, utcMinuteOrSecond } from '../parameters.ts'
import { requireRegistered } from '../require.ts'

const meta = z.object({ Database: z.string(), Size: z.string(), Tables: z.string() })

/** The databases and tables of a set that single tables can be restored from. */
export const describeMetaList = defineAction({
  name: 'DescribeMetaList',
  about:
    'Lists the databases and tables of a set from which RestoreTable can bring some back. RDS has it for MySQL alone: for other engines it answers IncorrectDBInstanceType.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    BackupSetID: { codec: setId, about: 'The set. Needed when RestoreType is BackupSetID.' },
    RestoreType: {
      codec: oneOf(['BackupSetID', 'RestoreTime']),
      malformed: 'InvalidRestoreType.Format',
      default: 'BackupSetID',
      about: 'What tells the set.',
    },
    RestoreTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidRestoreTime.Format',
      about: 'The moment. Needed when RestoreType is RestoreTime.',
    },
    GetDbName: { codec: text({ min: 1, max: 256 }), about: 'Only the database of this name.' },
    Pattern: { codec: text({ min: 1, max: 256 }), about: 'Only databases whose name contains this text.' },
    PageSize: { codec: integer({ min: 1, max: 1000 }), malformed: 'InvalidPageSize', about: 'Databases on a page.' },
    PageIndex: { codec: integer({ min: 1, max: 2_147_483_647 }), malformed: 'InvalidPageIndex', about: 'Which page.' },
  },
  neglected: { ClientToken: 'ignored', ResourceGroupId: 'ignored' },
  combine({ RestoreType, BackupSetID, RestoreTime, PageSize, PageIndex }) {
    if (RestoreType === 'BackupSetID' ? BackupSetID === undefined : RestoreTime === undefined) {
      throw new RdsError('MissingParameter', `The parameter ${RestoreType} is required.`)
    }
    if ((PageSize === undefined) !== (PageIndex === undefined)) {
      throw new RdsError('InvalidParameterCombination', 'PageSize and PageIndex go together.')
    }
  },
  errors: [
    'InvalidDBInstanceName.NotFound',
    'InvalidParameterCombination',
    'MissingParameter',
    'IncorrectDBInstanceType',
  ],
  faults: {},
  reply: z.object({
    DBInstanceName: z.string(),
    PageNumber: z.int(),
    PageRecordCount: z.int(),
    TotalPageCount: z.int(),
    TotalRecordCount: z.int(),
    Items: z.object({ Meta: z.array(meta) }),
  }),

  async handle({ DBInstanceId }, { catalog }) {
    await requireRegistered(catalog, DBInstanceId)
    throw new RdsError(
      'IncorrectDBInstanceType',
      'The engine of the database instance has no list of single tables. DescribeBackupDatabase names the databases of a set.',
    )
  },
})
