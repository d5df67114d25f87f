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
      codec: oneOf(['Auto', 'FullBackup', 'IncrementalBackup']),
      malformed: 'BackupType.NotSupport',
      default: 'Auto',
      about:
        'Auto: an increment if EnableIncrementDataBackup of the policy says so, else a full backup. IncrementalBackup (extension): an increment; where none can be taken it becomes a full backup, and its task says why.',
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
  errors: [
    'InvalidDBInstanceName.NotFound',
    'InvalidBackupMethod.ValueNotSupport',
    'BackupType.NotSupport',
    'IdempotentParameterMismatch',
  ],
  faults: { locked: 'BackupJobExists', not_found: 'InvalidDBInstanceName.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ BackupJobId: z.string().describe('Id of the task.') }),

  async handle({ DBInstanceId, BackupRetentionPeriod, BackupType }, { catalog, once, wake }) {
    const instance = await requireRegistered(catalog, DBInstanceId)
    const type = await typeOf(BackupType, instance, catalog)
    const request: TakeBackupRequest = {
      mode: 'Manual',
      type,
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
