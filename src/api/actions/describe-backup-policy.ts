import { nextDue } from '../../core/schedule.ts'
import { defineAction } from '../action.ts'
import { instanceId, oneOf } from '../parameters.ts'
import { policyItem, renderPolicy } from '../policy-item.ts'
import { policyOf, requireRegistered } from '../require.ts'

/** When an instance is backed up by itself, and how long its sets are kept. */
export const describeBackupPolicy = defineAction({
  name: 'DescribeBackupPolicy',
  about: 'Shows the policy of an instance: when it is backed up by itself, and how long its sets are kept.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    BackupPolicyMode: {
      codec: oneOf(['DataBackupPolicy', 'LogBackupPolicy']),
      default: 'DataBackupPolicy',
      about: 'Both give the whole policy.',
    },
  },
  neglected: { CompressType: 'ignored', ReleasedKeepPolicy: 'ignored' },
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: policyItem,

  async handle({ DBInstanceId }, { catalog, clock }) {
    const instance = await requireRegistered(catalog, DBInstanceId)
    const known = await policyOf(catalog, DBInstanceId)
    const next = nextDue(known.policy.schedule, DBInstanceId, (await catalog.settledOf(DBInstanceId)) ?? clock.now())
    // One that is due already begins now.
    return renderPolicy(known, instance, next && Math.max(next, clock.now()))
  },
})
