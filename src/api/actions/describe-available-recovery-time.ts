import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, setId, text } from '../parameters.ts'
import { requireRegion } from '../region.ts'
import { requireRegistered } from '../require.ts'

/** Between which moments a copy in another region reaches. */
export const describeAvailableRecoveryTime = defineAction({
  name: 'DescribeAvailableRecoveryTime',
  about:
    'Tells between which moments a set that was copied to another region can be brought to any. This service has one region and copies none, so no CrossBackupId names a set.',
  extension: false,
  mutates: false,
  parameters: {
    CrossBackupId: { codec: setId, required: true, about: 'The copied set.' },
    DBInstanceId: { codec: instanceId, about: 'Its instance.' },
    RegionId: { codec: text({ max: 64 }), about: 'The region of this service.' },
  },
  neglected: { ResourceGroupId: 'ignored' },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidRegionId.NotFound', 'InvalidBackupSetID.NotFound'],
  faults: {},
  reply: z.object({
    CrossBackupId: z.int(),
    RegionId: z.string(),
    RecoveryBeginTime: z.string(),
    RecoveryEndTime: z.string(),
  }),

  async handle({ CrossBackupId, DBInstanceId, RegionId }, { catalog, region }) {
    if (RegionId !== undefined) requireRegion(RegionId, region)
    if (DBInstanceId !== undefined) await requireRegistered(catalog, DBInstanceId)
    throw new RdsError('InvalidBackupSetID.NotFound', `CrossBackupId ${CrossBackupId} names no copied backup set.`)
  },
})
