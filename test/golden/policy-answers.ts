import { renderPolicy } from '../../src/api/policy-item.ts'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'

/** What DescribeBackupPolicy answers. */
export const POLICY = renderPolicy(
  { policy: { ...DEFAULT_POLICY, releasedKeep: 'Latest' }, changedAt: 0 },
  { settings: DEFAULT_SETTINGS },
  Date.parse('2026-01-02T17:12:00Z'),
)

/** What PreviewBackupPolicy answers. */
export const PREVIEW = {
  DBInstanceId: 'pgm-1',
  RemovedCount: 1,
  RemovedBytes: 1_234_567,
  LostTimes: { LostTime: ['2025-12-20T03:04:05Z'] },
  Sets: {
    Set: [
      { BackupId: '321020562', BackupStartTime: '2026-01-02T03:04:05Z', Kept: true, Reason: 'is younger than 7 days' },
      {
        BackupId: '321020561',
        BackupStartTime: '2025-12-20T03:04:05Z',
        Kept: false,
        Reason: 'is older than 7 days, and nothing keeps it',
      },
    ].map((one) => ({ ...one, BackupStatus: 'Success', ConsistentTime: '', BackupSize: 1_234_567, Held: false })),
  },
}

