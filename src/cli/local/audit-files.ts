import { join } from 'node:path'

/** What the names of files of reads and downloads begin with. */
export const READS = 'reads'

/** Where the audit's files lie. */
export const auditDirectory = (dataDir: string): string => join(dataDir, 'audit')
