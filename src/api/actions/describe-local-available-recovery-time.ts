import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, text } from '../parameters.ts'
import { requireRegion } from '../region.ts'
import { requireRegistered } from '../require.ts'

/** Between which moments an instance can be brought to any. */
export const describeLocalAvailableRecoveryTime = defineAction({
  name: 'DescribeLocalAvailableRecoveryTime',
  about:
    'Tells between which moments an instance can be brought to any by its log. No engine here follows the log yet, so every call is answered with LogBackupNotEnabled; the ConsistentTime of each set is a moment that can be restored.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    Region: { codec: text({ max: 64 }), about: 'The region of this service.' },
  },
  neglected: { ResourceGroupId: 'ignored' },
  errors: ['InvalidDBInstance.NotFound', 'InvalidRegionId.NotFound', 'LogBackupNotEnabled'],
  faults: {},
  reply: z.object({ DBInstanceId: z.string(), RecoveryBeginTime: z.string(), RecoveryEndTime: z.string() }),

  async handle({ DBInstanceId, Region }, { catalog, region }) {
    if (Region !== undefined) requireRegion(Region, region)
    await requireRegistered(catalog, DBInstanceId, 'InvalidDBInstance.NotFound')
    throw new RdsError('LogBackupNotEnabled')
  },
})
