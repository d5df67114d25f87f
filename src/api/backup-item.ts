import { z } from 'zod'
import { isGood, type BackupSet } from '../core/backup-set.ts'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import { downloadName } from '../set/download-name.ts'
import type { LinkMaker } from './links.ts'
import { engineName } from './names.ts'
import { renderEnd } from './set-end.ts'

const link = z.string().nullable()

const databaseLink = z.object({ DataBase: z.string(), DownloadLink: z.string(), IntranetDownloadLink: z.string() })

/** One set as DescribeBackups shows it. */
export const backupItem = z.object({
  BackupId: z.string().describe('Id of the set: decimal.'),
  DBInstanceId: z.string(),
  HostInstanceID: z.string().describe('Id of the node that gave the bytes; empty when none was reached.'),
  BackupStatus: z.enum(['Success', 'Failed']),
  BackupStartTime: z.string(),
  BackupEndTime: z.string(),
  BackupType: z.enum(['FullBackup', 'IncrementalBackup']),
  BackupMode: z.enum(['Automated', 'Manual']),
  BackupMethod: z.enum(['Physical', 'Logical']),
  BackupInitiator: z.enum(['System', 'User']),
  BackupDownloadURL: z.string().describe('Empty when the set cannot be downloaded.'),
  BackupIntranetDownloadURL: z.string().describe('Empty when the set cannot be downloaded.'),
  DownloadLink: link.describe('Null when the set cannot be downloaded.'),
  IntranetDownloadLink: link,
  LinkExpiredTime: link.describe('When the links end.'),
  BackupSize: z.int().describe('Bytes of the download.'),
  StoreStatus: z.enum(['Enabled', 'Disabled']).describe('Enabled: the set may be deleted. Disabled: it is needed.'),
  MetaStatus: z
    .enum(['', 'OK', 'EMPTY'])
    .describe(
      'Empty: no restore of single tables. OK: a logical set, which RestoreTable takes. EMPTY: a failed backup.',
    ),
  ConsistentTime: z.int().describe('The moment that the set restores, Unix seconds; 0 when unknown.'),
  IsAvail: z
    .union([z.literal(0), z.literal(1)])
    .describe('Whether the set can be restored whole, as far as backup, verification and drill know.'),
  Checksum: z.string().describe('CRC-64 (ECMA-182) of the download, decimal; empty when there is none.'),
  StorageClass: z.literal('0'),
  Encryption: z
    .string()
    .describe(
      'JSON text: {} of a set that is not encrypted; else format (age), mode (escrow or held) and recipients, the fingerprints of those whose identity opens it.',
    ),
  CopyOnlyBackup: z.literal('0'),
  Engine: z.string(),
  EngineVersion: z.string(),
  BackupDownloadLinkByDB: z
    .object({ BackupDownloadLinkByDB: z.array(databaseLink) })
    .describe('Of a logical set: a link to each database.'),
  ExpectExpireTime: z
    .string()
    .describe(
      'When the set ends by an end of its own; else before when its policy does not remove it, whatever may keep it longer; Never (extension): told never to end; empty: pinned, or kept for ever by the policy.',
    ),
  Pinned: z.boolean().describe('Extension: whether it is pinned.'),
  FailReason: z
    .string()
    .describe(
      'Extension: why a Failed backup failed, or what a verification or a drill found wrong, in plain words; else empty.',
    ),
  DrilledTime: z.string().describe('Extension: when a drill last proved that the set comes back; empty if never.'),
  VerifiedTime: z.string().describe('Extension: when all bytes were last found right; empty if never.'),
})

const NO_LINKS = {
  BackupDownloadURL: '',
  BackupIntranetDownloadURL: '',
  DownloadLink: null,
  IntranetDownloadLink: null,
  LinkExpiredTime: null,
}

/** A set in the words of RDS, with its links where it has bytes; `policyEnd`: before when its policy does not remove it. */
export function renderBackup(set: BackupSet, links: LinkMaker, policyEnd?: Moment): z.infer<typeof backupItem> {
  const succeeded = set.status === 'Success'
  return {
    BackupId: set.id,
    DBInstanceId: set.instanceId,
    HostInstanceID: set.nodeId ?? '',
    BackupStatus: set.status,
    BackupStartTime: isoSeconds(set.startedAt),
    BackupEndTime: isoSeconds(set.endedAt),
    BackupType: set.type,
    BackupMode: set.mode,
    BackupMethod: set.method,
    BackupInitiator: set.mode === 'Automated' ? 'System' : 'User',
    ...linksOf(set, links),
    BackupSize: set.size,
    StoreStatus: set.held ? 'Disabled' : 'Enabled',
    MetaStatus: succeeded ? (set.method === 'Logical' ? 'OK' : '') : 'EMPTY',
    ConsistentTime: Math.floor((set.consistentAt ?? 0) / 1000),
    IsAvail: isGood(set) ? 1 : 0,
    Checksum: set.checksum ?? '',
    StorageClass: '0',
    Encryption: JSON.stringify(set.encryption ?? {}),
    CopyOnlyBackup: '0',
    Engine: engineName(set.engine),
    EngineVersion: set.engineVersion,
    BackupDownloadLinkByDB: { BackupDownloadLinkByDB: databaseLinks(set, links) },
    ExpectExpireTime: renderEnd(set.expiresAt ?? policyEnd),
    Pinned: set.pinned === true,
    FailReason: set.reason ?? set.damage ?? set.drillDamage ?? '',
    VerifiedTime: set.verifiedAt === undefined ? '' : isoSeconds(set.verifiedAt),
    DrilledTime: set.drilledAt === undefined ? '' : isoSeconds(set.drilledAt),
  }
}

function linksOf(set: BackupSet, links: LinkMaker) {
  if (set.manifestKey === undefined) return NO_LINKS
  const named = { id: set.id, fileName: downloadName(set), round: set.linkRound }
  const outside = links.make(named, 'public')
  const inside = links.make(named, 'intranet')
  return {
    BackupDownloadURL: outside.url,
    BackupIntranetDownloadURL: inside.url,
    DownloadLink: outside.url,
    IntranetDownloadLink: inside.url,
    LinkExpiredTime: isoSeconds(outside.expiresAt),
  }
}

const databaseLinks = (set: BackupSet, links: LinkMaker): z.infer<typeof databaseLink>[] =>
  (set.databases ?? []).map(({ name, file }) => {
    const named = { id: set.id, fileName: downloadName(set, file), round: set.linkRound, part: file }
    return {
      DataBase: name,
      DownloadLink: links.make(named, 'public').url,
      IntranetDownloadLink: links.make(named, 'intranet').url,
    }
  })
