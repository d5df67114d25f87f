import { z } from 'zod'
import { defineAction, type Neglect } from '../action.ts'
import { clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { instanceId, oneOf, setId, text, utcMinuteOrSecond } from '../parameters.ts'
import { requireRegion } from '../region.ts'
import { requireRegistered, requireSet } from '../require.ts'
import { requireSource, tableMeta } from '../table-meta.ts'

/** What a machine of RDS would have, and one of ours has not. */
const OF_A_CLOUD = [
  'AutoPay',
  'BackupType',
  'BpeEnabled',
  'BurstingEnabled',
  'Category',
  'CustomExtraInfo',
  'DBInstanceClass',
  'DBInstanceStorage',
  'DBInstanceStorageType',
  'DedicatedHostGroupId',
  'DeletionProtection',
  'InstanceNetworkType',
  'IoAccelerationEnabled',
  'Period',
  'PrivateIpAddress',
  'ServerlessConfig',
  'UsedTime',
  'VPCId',
  'VSwitchId',
  'ZoneId',
  'ZoneIdSlave1',
  'ZoneIdSlave2',
] as const

/** Makes a new instance of a set. */
export const cloneDBInstance = defineAction({
  name: 'CloneDBInstance',
  about:
    'Makes a new instance of a set, or of a moment. No engine here can yet: a call that is well formed is answered with OperationDenied.ApiForbidden, and nothing is done. RestoreBackup restores a set into a directory, ready to be started.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance to clone.' },
    PayType: {
      codec: oneOf(['Prepaid', 'Postpaid', 'Serverless']),
      required: true,
      about: 'Makes no difference here.',
    },
    BackupId: { codec: setId, about: 'The set to make it of.' },
    RestoreTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidRestoreTime.Format',
      about: 'The moment to make it of, instead of a set.',
    },
    RestoreTable: { codec: oneOf(['0', '1']), default: '0', about: '1: only what TableMeta names.' },
    TableMeta: tableMeta,
    DbNames: { codec: text({ max: 16_384 }), about: 'Only these databases, with commas between them.' },
    DBInstanceDescription: { codec: text({ max: 256 }), about: 'A name for people.' },
    RegionId: { codec: text({ max: 64 }), about: 'The region of this service.' },
    ClientToken: clientToken,
  },
  neglected: Object.fromEntries(OF_A_CLOUD.map((name): [string, Neglect] => [name, 'ignored'])),
  combine(values) {
    requireSource(values)
    if (values.RestoreTable === '1' && values.TableMeta === undefined) {
      throw new RdsError('InvalidParameterCombination', 'RestoreTable 1 needs TableMeta.')
    }
  },
  errors: [
    'InvalidDBInstanceId.NotFound',
    'InvalidBackupSetID.NotFound',
    'IncorrectBackupSetState',
    'InvalidRegionId.NotFound',
    'MissBackupSetAndRestoreTime.NotFound',
    'InvalidParameterCombination',
    'OperationDenied.ApiForbidden',
  ],
  faults: {},
  reply: z.object({ DBInstanceId: z.string(), OrderId: z.string() }),

  async handle({ DBInstanceId, BackupId, RegionId }, { catalog, region }) {
    if (RegionId !== undefined) requireRegion(RegionId, region)
    await requireRegistered(catalog, DBInstanceId, 'InvalidDBInstanceId.NotFound')
    if (BackupId !== undefined) await requireSet(catalog, DBInstanceId, BackupId)
    throw new RdsError(
      'OperationDenied.ApiForbidden',
      'This service cannot make a new instance of a set yet. RestoreBackup restores one into a directory.',
    )
  },
})
