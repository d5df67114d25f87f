import { z } from 'zod'
import { incrementsOf, type Policy } from '../../core/policy.ts'
import { whyNoIncrements } from '../../core/takes-increments.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { noteKeep, NOTE_FAULTS } from '../note-keep.ts'
import { instanceId } from '../parameters.ts'
import { changedPolicy, checkPolicyValues, POLICY_PARAMETERS } from '../policy-change.ts'
import { requireRegistered } from '../require.ts'

/** Changes when an instance is backed up by itself, and how long its sets are kept. */
export const modifyBackupPolicy = defineAction({
  name: 'ModifyBackupPolicy',
  about:
    'Changes the policy of an instance: what is named, and nothing else. What a change would remove, PreviewBackupPolicy tells before.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    ...POLICY_PARAMETERS,
  },
  neglected: {
    Category: 'ignored',
    CompressType: 'ignored',
    HighSpaceUsageProtection: 'ignored',
    LocalLogRetentionHours: 'ignored',
    LocalLogRetentionSpace: 'ignored',
    LogBackupFrequency: 'ignored',
    LogBackupLocalRetentionNumber: 'ignored',
  },
  combine: (values) => checkPolicyValues(values),
  errors: ['InvalidDBInstanceName.NotFound', 'OperationDenied.NotSupportedBackupMethod', 'InvalidParameterCombination'],
  faults: { not_found: 'InvalidDBInstanceName.NotFound', replayed: 'SignatureNonceUsed', ...NOTE_FAULTS },
  reply: z.object({
    DBInstanceID: z.string(),
    EnableBackupLog: z.string(),
    CompressType: z.literal(''),
    HighSpaceUsageProtection: z.literal('Disable'),
    LocalLogRetentionHours: z.literal(0),
    LocalLogRetentionSpace: z.literal('0'),
    LogBackupLocalRetentionNumber: z.literal(60),
  }),

  async handle({ DBInstanceId, ...values }, { catalog, store, clock, once }) {
    const why = whyNoIncrements(await requireRegistered(catalog, DBInstanceId))
    if (values.EnableIncrementDataBackup === true && why !== undefined) {
      throw new RdsError(
        'OperationDenied.NotSupportedBackupMethod',
        `EnableIncrementDataBackup is not supported: ${why}.`,
      )
    }
    const preferReplica = values.BackupPriority && values.BackupPriority === '1'
    const at = clock.now()
    const change = (policy: Policy) => {
      const next = changedPolicy(policy, values)
      if (next.schedule.method === 'Logical' && incrementsOf(next).enabled) {
        throw new RdsError(
          'InvalidParameterCombination',
          'BackupMethod Logical and EnableIncrementDataBackup exclude each other: name the one that shall end, too.',
        )
      }
      return next
    }
    const changed = await catalog.changePolicy(DBInstanceId, change, { at, preferReplica }, once)
    await noteKeep(catalog, store, DBInstanceId)
    return {
      DBInstanceID: DBInstanceId,
      EnableBackupLog: changed.log.enabled ? '1' : '0',
      CompressType: '' as const,
      HighSpaceUsageProtection: 'Disable' as const,
      LocalLogRetentionHours: 0 as const,
      LocalLogRetentionSpace: '0' as const,
      LogBackupLocalRetentionNumber: 60 as const,
    }
  },
})
