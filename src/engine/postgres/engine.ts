import type { Clock } from '../../lib/clock.ts'
import type { Engine } from '../engine.ts'
import { backup } from './backup.ts'
import { logicalBackup } from './logical-backup.ts'
import { restoreInto } from './logical-restore.ts'
import { probe } from './probe.ts'
import { restore } from './restore.ts'

/** Knows PostgreSQL 14 and newer: full physical backups over the replication protocol, logical ones by pg_dump. */
export const postgresEngine = ({ clock }: { clock: Clock }): Engine => ({
  kind: 'postgres',
  can: ({ problems }) => ({
    physical: !problems.some(({ severity, method = 'Physical' }) => severity === 'error' && method === 'Physical'),
    incremental: false,
    pointInTime: false,
    logical: !problems.some(({ severity, method = 'Logical' }) => severity === 'error' && method === 'Logical'),
    singleDatabase: true,
  }),
  probe,
  backup: (node, request, sink, options = {}) =>
    request.method === 'Logical'
      ? logicalBackup(node, request, sink, options)
      : backup(node, request, sink, { ...options, clock }),
  restore,
  restoreInto,
})
