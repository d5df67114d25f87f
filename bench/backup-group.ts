import type { MajorPrograms } from '../test/matrix/programs.ts'
import { startPostgres, type TestServer } from '../test/lib/postgres.ts'

/** What each group of `npm run bench:backup` is given. */
export interface GroupOptions {
  /** An empty directory of its own, which everybody may enter. */
  readonly directory: string
  readonly megabytes: number
  readonly rounds: number
}

/** A PostgreSQL 17 with its real tools, as durable as a live one, which knows what changed and lets nothing change by itself. */
export const startSeventeen = ({ binDirectory }: MajorPrograms): Promise<TestServer> =>
  startPostgres({
    version: 17,
    binDirectory,
    settings: {
      fsync: 'on',
      shared_buffers: '512MB',
      wal_keep_size: '1GB',
      summarize_wal: 'on',
      autovacuum: 'off',
    },
  })
