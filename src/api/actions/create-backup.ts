import { z } from 'zod'
import type { TakeBackupRequest, Task } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { answering, clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { instanceId, oneOf } from '../parameters.ts'
import { retentionDays } from '../policy-parameters.ts'
import { refused } from '../refused.ts'
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
      about: 'Physical. Logical and Snapshot are refused: no engine here takes them yet.',
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
      about: 'instance. db is refused: a physical backup takes the whole instance.',
    },
    DBName: {
      codec: refused,
      malformed: 'InvalidDBName.Format',
      about: 'A physical backup takes the whole instance.',
    },
    BackupRetentionPeriod: {
      codec: retentionDays,
      malformed: 'InvalidBackupRetentionPeriod.Malformed',
      about: 'Days that the set stays, instead of those of the policy. RDS has 7 to 730.',
    },
    ClientToken: clientToken,
  },
  combine({ BackupMethod, BackupStrategy }) {
    if (BackupMethod !== 'Physical') {
      throw new RdsError('InvalidBackupMethod.ValueNotSupport', `BackupMethod ${BackupMethod} is not supported.`)
    }
    if (BackupStrategy === 'db') {
      throw new RdsError(
        'InvalidBackupMethod.ValueNotSupport',
        'BackupStrategy db is not supported by a physical backup, which takes every database.',
      )
    }
  },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidBackupMethod.ValueNotSupport', 'IdempotentParameterMismatch'],
  faults: { locked: 'BackupJobExists', not_found: 'InvalidDBInstanceName.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ BackupJobId: z.string().describe('Id of the task.') }),

  async handle({ DBInstanceId, BackupRetentionPeriod }, { catalog, once, wake }) {
    await requireRegistered(catalog, DBInstanceId)
    const request: TakeBackupRequest = {
      mode: 'Manual',
      type: 'FullBackup',
      method: 'Physical',
      ...(BackupRetentionPeriod !== undefined && { keepDays: BackupRetentionPeriod }),
    }
    const reply = ({ id }: Task) => ({ BackupJobId: id })
    const task = { kind: 'take-backup', instanceId: DBInstanceId, request } as const
    const added = await catalog.addTask(task, answering(once, reply))
    wake()
    return reply(added)
  },
})
