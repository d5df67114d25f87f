/** How a base backup is asked for. */
export interface BaseBackupOptions {
  /** `server_version_num`. */
  readonly serverVersion: number
  readonly label: string
  readonly checkpoint: 'fast' | 'spread'
  /** Makes the server count its bytes first, which looks at every file. */
  readonly progress: boolean
  readonly verifyChecksums: boolean
  /** Only what changed since the backup whose manifest was uploaded before: 17 and newer. */
  readonly incremental: boolean
}

/** `BASE_BACKUP` in the words of the server's version: a list in parentheses since 15, keywords before. */
export const baseBackupCommand = (options: BaseBackupOptions): string =>
  options.serverVersion >= 150_000 ? parenthesised(options) : keywords(options)

/**
 * WAIT false: else a failing archive_command lets the server hang when all is sent. TABLESPACE_MAP: else a tablespace's path
 * over 99 characters ends the backup.
 */
function parenthesised({ label, checkpoint, progress, verifyChecksums, incremental }: BaseBackupOptions): string {
  const more = incremental ? ', INCREMENTAL true' : ''
  return `BASE_BACKUP (LABEL ${quote(label)}, PROGRESS ${progress}, CHECKPOINT '${checkpoint}', WAL true, WAIT false, TABLESPACE_MAP true, VERIFY_CHECKSUMS ${verifyChecksums}, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C'${more})`
}

function keywords({ label, checkpoint, progress, verifyChecksums }: BaseBackupOptions): string {
  const words = [
    'BASE_BACKUP',
    `LABEL ${quote(label)}`,
    ...(progress ? ['PROGRESS'] : []),
    ...(checkpoint === 'fast' ? ['FAST'] : []),
    'WAL',
    'NOWAIT',
    'TABLESPACE_MAP',
    ...(verifyChecksums ? [] : ['NOVERIFY_CHECKSUMS']),
    "MANIFEST 'yes'",
    "MANIFEST_CHECKSUMS 'CRC32C'",
  ]
  return words.join(' ')
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`
