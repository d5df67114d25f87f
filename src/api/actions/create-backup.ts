import { z } from 'zod'
import type { TakeBackupRequest, Task } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { answering, clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { databaseNames, instanceId, oneOf } from '../parameters.ts'
import { retentionDays } from '../policy-parameters.ts'
import { requireRegistered } from '../require.ts'

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
      codec: oneOf(['Auto', 'FullBackup']),
      malformed: 'BackupType.NotSupport',
      default: 'Auto',
      about: 'Auto and FullBackup both take a full backup.',
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
  combine({ BackupMethod, BackupStrategy, DBName }) {
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
    'InvalidBackupMethod.ValueNotSupport',
    'InvalidParameterCombination',
    'IdempotentParameterMismatch',
  ],
  faults: { locked: 'BackupJobExists', not_found: 'InvalidDBInstanceName.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ BackupJobId: z.string().describe('Id of the task.') }),

  async handle({ DBInstanceId, BackupMethod, DBName, BackupRetentionPeriod }, { catalog, once, wake }) {
    await requireRegistered(catalog, DBInstanceId)
    const request: TakeBackupRequest = {
      mode: 'Manual',
      type: 'FullBackup',
      method: BackupMethod === 'Logical' ? 'Logical' : 'Physical',
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
