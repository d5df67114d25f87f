import { z } from 'zod'
import { formatTable } from '../table.ts'
import { formatBytes, formatDuration, formatTime } from '../units.ts'
import { parseIso } from '../../lib/time.ts'
import type { BackupItem } from './find-set.ts'
import type { RemoteOptions } from './session.ts'

/** Sets as a table for people. */
export const backupTable = (items: readonly BackupItem[], options: RemoteOptions): string =>
  formatTable(
    [
      { title: 'SET', value: (set) => set.BackupId },
      { title: 'STATUS', value: (set) => set.BackupStatus },
      { title: 'STARTED', value: (set) => formatTime(set.BackupStartTime, options) },
      { title: 'TOOK', value: took, right: true },
      { title: 'SIZE', value: (set) => (set.BackupSize > 0 ? formatBytes(set.BackupSize) : '-'), right: true },
      { title: 'TYPE', value: (set) => `${set.BackupMethod} ${set.BackupType.replace('Backup', '')}`.toLowerCase() },
      { title: 'MODE', value: (set) => set.BackupMode },
      { title: 'NODE', value: (set) => set.HostInstanceID || '-' },
    ],
    items,
  )

const took = ({ BackupStartTime, BackupEndTime }: BackupItem) =>
  formatDuration((parseIso(BackupEndTime) ?? 0) - (parseIso(BackupStartTime) ?? 0))

/** All about a set, for people; what does not apply is empty. */
export const backupFields = (set: BackupItem, options: RemoteOptions): Record<string, string> => ({
  set: set.BackupId,
  instance: set.DBInstanceId,
  status: set.BackupStatus,
  reason: set.FailReason,
  node: set.HostInstanceID,
  type: `${set.BackupMethod} ${set.BackupType}`,
  databases: set.BackupDownloadLinkByDB.BackupDownloadLinkByDB.map(({ DataBase }) => DataBase).join(', '),
  mode: set.BackupMode,
  engine: `${set.Engine} ${set.EngineVersion}`,
  started: formatTime(set.BackupStartTime, options),
  ended: formatTime(set.BackupEndTime, options),
  size: set.BackupSize > 0 ? `${formatBytes(set.BackupSize)} (${set.BackupSize} bytes)` : '',
  'encrypted to': recipientsOf(set),
  'restores whole': set.BackupStatus === 'Failed' ? '' : set.IsAvail === 1 ? 'yes' : 'no, only in part',
  'may be removed': set.StoreStatus === 'Enabled' ? 'yes' : 'no, something needs it',
  verified: formatTime(set.VerifiedTime, options),
  link: set.DownloadLink ?? '',
  'link ends': set.LinkExpiredTime === null ? '' : formatTime(set.LinkExpiredTime, options),
})

/** Fingerprints, and who can open it; empty for a set that is not encrypted, or of a service that does not know. */
function recipientsOf({ Encryption }: BackupItem): string {
  const { mode, recipients } = encryption.parse(JSON.parse(Encryption))
  return recipients === undefined ? '' : `${recipients.join(', ')} (${mode})`
}

const encryption = z.object({ mode: z.string().optional(), recipients: z.array(z.string()).optional() })
