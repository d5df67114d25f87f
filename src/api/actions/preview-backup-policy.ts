import { z } from 'zod'
import { allSets } from '../../catalog/all-sets.ts'
import { retain, type Verdict } from '../../core/retention.ts'
import type { BackupSet } from '../../core/backup-set.ts'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { instanceId } from '../parameters.ts'
import { changedPolicy, checkPolicyValues, POLICY_PARAMETERS } from '../policy-change.ts'
import { policyOf, requireRegistered } from '../require.ts'

const verdictItem = z.object({
  BackupId: z.string(),
  BackupStatus: z.enum(['Success', 'Failed']),
  BackupStartTime: z.string(),
  ConsistentTime: z.string().describe('The moment that can be restored from it; empty for a failed backup.'),
  BackupSize: z.int(),
  Kept: z.boolean(),
  Held: z.boolean().describe('Whether something needs it at this moment: then it goes later.'),
  Reason: z.string().describe('Why it stays or goes, to be read after the word "it".'),
})

/** What a change of a policy would come to, without making it. */
export const previewBackupPolicy = defineAction({
  name: 'PreviewBackupPolicy',
  about:
    'Tells what a policy removes now: of each set whether it stays and why, which moments can no longer be restored, and the bytes that come free. Takes the parameters of ModifyBackupPolicy and changes nothing; without any, it tells of the policy as it is.',
  extension: true,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    ...POLICY_PARAMETERS,
  },
  combine: (values) => checkPolicyValues(values),
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: z.object({
    DBInstanceId: z.string(),
    RemovedCount: z.int(),
    RemovedBytes: z.int(),
    LostTimes: z.object({ LostTime: z.array(z.string()) }).describe('Moments that can be restored now and not then.'),
    Sets: z.object({ Set: z.array(verdictItem) }).describe('Newest first.'),
  }),

  async handle({ DBInstanceId, ...values }, { catalog, clock }) {
    await requireRegistered(catalog, DBInstanceId)
    const { policy } = await policyOf(catalog, DBInstanceId)
    const { retention } = changedPolicy(policy, values)
    const verdicts = retain(await allSets(catalog, DBInstanceId), retention, clock.now())
    const removed = verdicts.filter(({ kept }) => !kept).map(({ set }) => set)
    const lost = removed.flatMap(({ consistentAt }) => (consistentAt === undefined ? [] : [isoSeconds(consistentAt)]))
    return {
      DBInstanceId,
      RemovedCount: removed.length,
      RemovedBytes: removed.reduce((sum, { size }) => sum + size, 0),
      LostTimes: { LostTime: lost },
      Sets: { Set: verdicts.map(renderVerdict) },
    }
  },
})

const renderVerdict = ({ set, kept, reason }: Verdict<BackupSet>): z.infer<typeof verdictItem> => ({
  BackupId: set.id,
  BackupStatus: set.status,
  BackupStartTime: isoSeconds(set.startedAt),
  ConsistentTime: set.consistentAt === undefined ? '' : isoSeconds(set.consistentAt),
  BackupSize: set.size,
  Kept: kept,
  Held: set.held,
  Reason: reason,
})
