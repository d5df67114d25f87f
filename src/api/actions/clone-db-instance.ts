import { z } from 'zod'
import type { NewInstance } from '../../catalog/catalog.ts'
import { DEFAULT_SETTINGS } from '../../core/instance.ts'
import type { Task } from '../../core/task.ts'
import { defineAction, type ActionContext, type Neglect } from '../action.ts'
import { answering, clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { randomInstanceId } from '../new-instance-id.ts'
import { instanceId, oneOf, setId, text, utcMinuteOrSecond } from '../parameters.ts'
import { requireRegion } from '../region.ts'
import { requireOpenable, requireRegistered, requireSet } from '../require.ts'
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
    'Starts a task that makes a new instance of a physical set: restores it below clones.directory on the machine of the worker, starts a server there on a free port of 127.0.0.1 that touches nothing of its source, and registers it with the login of the source. The instance is Creating until then, and gone again if the task fails or is cancelled: DescribeBackupSetTasks with the new DBInstanceId says why. DeleteDBInstance ends and removes it.',
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
    'IdempotentParameterMismatch',
    'OperationDenied.ApiForbidden',
    'OperationDenied.NoClones',
    'Forbidden.RAM',
  ],
  faults: {
    not_found: 'InvalidBackupSetID.NotFound',
    locked: 'IncorrectBackupSetState',
    conflict: 'ServiceUnavailable',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({
    DBInstanceId: z.string().describe('The new instance.'),
    OrderId: z.string().describe('The task that makes it, as CancelTask takes it.'),
  }),

  async handle(values, context) {
    const { DBInstanceId, BackupId, RegionId, DBInstanceDescription } = values
    const { catalog, clock, once, wake } = context
    if (RegionId !== undefined) requireRegion(RegionId, context.region)
    const source = await requireRegistered(catalog, DBInstanceId, 'InvalidDBInstanceId.NotFound')
    refuseWhatIsNotDone(values, context)
    const set = await requireSet(catalog, DBInstanceId, BackupId ?? '')
    requireOpenable(set, context.encryption)
    const makes: NewInstance = {
      id: randomInstanceId(),
      engine: source.engine,
      engineVersion: set.engineVersion,
      description: DBInstanceDescription ?? '',
      settings: DEFAULT_SETTINGS,
      systemIdentifier: source.systemIdentifier,
      createdAt: clock.now(),
      nodes: [],
    }
    const reply = ({ id }: Task) => ({ DBInstanceId: makes.id, OrderId: id })
    const task = { kind: 'clone', instanceId: makes.id, setId: set.id, request: {}, makes } as const
    const added = await catalog.addTask(task, answering(once, reply))
    wake()
    return reply(added)
  },
})

interface Wanted {
  readonly BackupId?: string | undefined
  readonly RestoreTable: '0' | '1'
  readonly TableMeta?: unknown
  readonly DbNames?: string | undefined
}

/** What a clone of ours cannot be, and what it cannot be made by. */
function refuseWhatIsNotDone(wanted: Wanted, { clones, caller }: ActionContext): void {
  if (wanted.BackupId === undefined) {
    throw new RdsError(
      'OperationDenied.ApiForbidden',
      'This service makes clones of sets, and not of a moment yet. Name BackupId instead of RestoreTime.',
    )
  }
  if (wanted.RestoreTable === '1' || wanted.TableMeta !== undefined || wanted.DbNames !== undefined) {
    throw new RdsError(
      'OperationDenied.ApiForbidden',
      'A clone holds all of its set. Leave out RestoreTable, TableMeta and DbNames; RestoreTable brings single tables back.',
    )
  }
  if (!clones) throw new RdsError('OperationDenied.NoClones')
  if (caller.rights.instances) {
    throw new RdsError(
      'Forbidden.RAM',
      'CloneDBInstance makes an instance that this access key of some instances could not see.',
    )
  }
}
