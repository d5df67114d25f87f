import { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import type { SetType } from '../../core/backup-set.ts'
import type { Instance } from '../../core/instance.ts'
import { incrementsOf } from '../../core/policy.ts'
import { whyNoIncrements } from '../../core/takes-increments.ts'
import type { TakeBackupRequest, Task } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { answering, clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { databaseNames, instanceId, oneOf } from '../parameters.ts'
import { retentionDays } from '../policy-parameters.ts'
import { requireMade } from '../require.ts'

/** Asks for a backup now. */
export const createBackup = defineAction({
  name: 'CreateBackup',
  about:
    'Starts a backup of an instance: a task that DescribeBackupTasks follows. One runs at a time; how many a day is not limited.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance to back up.' },
    BackupMethod: {
      codec: oneOf(['Physical', 'Logical', 'Snapshot']),
      malformed: 'InvalidBackupMethod.ValueNotSupport',
      default: 'Physical',
      about:
        'Physical: the files of the whole instance. Logical: a dump of each database, by the tools of the database. Snapshot is refused.',
    },
    BackupType: {
      codec: oneOf(['Auto', 'FullBackup', 'IncrementalBackup']),
      malformed: 'BackupType.NotSupport',
      default: 'Auto',
      about:
        'Auto: an increment if EnableIncrementDataBackup of the policy says so, else a full backup. IncrementalBackup (extension): an increment; where none can be taken it becomes a full backup, and its task says why.',
    },
    BackupStrategy: {
      codec: oneOf(['instance', 'db']),
      default: 'instance',
      about:
        'Of a logical backup: instance takes every database, and roles and tablespaces; db those that DBName names. A physical one takes the whole instance.',
    },
    DBName: {
      codec: databaseNames,
      malformed: 'InvalidDBName.Format',
      about: 'The databases of a logical backup, with commas between them. Needs BackupStrategy db.',
    },
    BackupRetentionPeriod: {
      codec: retentionDays,
      malformed: 'InvalidBackupRetentionPeriod.Malformed',
      about: 'Days that the set stays, instead of those of the policy. RDS has 7 to 730.',
    },
    ClientToken: clientToken,
  },
  combine({ BackupMethod, BackupStrategy, BackupType, DBName }) {
    if (BackupMethod === 'Logical' && BackupType === 'IncrementalBackup') {
      throw new RdsError('InvalidParameterCombination', 'A backup of BackupMethod Logical is always a full one.')
    }
    if (BackupMethod === 'Snapshot') {
      throw new RdsError('InvalidBackupMethod.ValueNotSupport', 'BackupMethod Snapshot is not supported.')
    }
    if (BackupMethod === 'Physical' && (BackupStrategy === 'db' || DBName !== undefined)) {
      throw new RdsError(
        'InvalidBackupMethod.ValueNotSupport',
        'BackupStrategy db and DBName need BackupMethod Logical: a physical backup takes every database.',
      )
    }
    if ((BackupStrategy === 'db') !== (DBName !== undefined)) {
      throw new RdsError('InvalidParameterCombination', 'BackupStrategy db and DBName go together.')
    }
  },
  errors: [
    'InvalidDBInstanceName.NotFound',
    'IncorrectDBInstanceState',
    'InvalidBackupMethod.ValueNotSupport',
    'InvalidParameterCombination',
    'BackupType.NotSupport',
    'IdempotentParameterMismatch',
  ],
  faults: { locked: 'BackupJobExists', not_found: 'InvalidDBInstanceName.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ BackupJobId: z.string().describe('Id of the task.') }),

  async handle({ DBInstanceId, BackupMethod, BackupType, DBName, BackupRetentionPeriod }, { catalog, once, wake }) {
    const instance = await requireMade(catalog, DBInstanceId)
    const method = BackupMethod === 'Logical' ? 'Logical' : 'Physical'
    const request: TakeBackupRequest = {
      mode: 'Manual',
      type: method === 'Logical' ? 'FullBackup' : await typeOf(BackupType, instance, catalog),
      method,
      ...(DBName && { databases: DBName }),
      ...(BackupRetentionPeriod !== undefined && { keepDays: BackupRetentionPeriod }),
    }
    const reply = ({ id }: Task) => ({ BackupJobId: id })
    const task = { kind: 'take-backup', instanceId: DBInstanceId, request } as const
    const added = await catalog.addTask(task, answering(once, reply))
    wake()
    return reply(added)
  },
})

/** The type that was asked for. One asked for by name that can never be taken is refused by name. */
async function typeOf(
  asked: 'Auto' | SetType,
  instance: Instance,
  catalog: Pick<Catalog, 'policyOf'>,
): Promise<SetType> {
  const why = whyNoIncrements(instance)
  if (asked === 'IncrementalBackup' && why !== undefined) {
    throw new RdsError('BackupType.NotSupport', `BackupType IncrementalBackup is not supported: ${why}.`)
  }
  if (asked !== 'Auto') return asked
  const known = await catalog.policyOf(instance.id)
  return known && incrementsOf(known.policy).enabled && why === undefined ? 'IncrementalBackup' : 'FullBackup'
}
