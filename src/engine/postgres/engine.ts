import type { Clock } from '../../lib/clock.ts'
import type { Engine } from '../engine.ts'
import { backup } from './backup.ts'
import { drill } from './drill.ts'
import { clearServer } from './drill-scratch.ts'
import { watchLoad } from './load.ts'
import { logicalBackup } from './logical-backup.ts'
import { restoreInto } from './logical-restore.ts'
import { probe } from './probe.ts'
import { NO_SUMMARIES } from './probe-problems.ts'
import { restore } from './restore.ts'
import { start } from './start.ts'

/**
 * Knows PostgreSQL: physical backups over the replication protocol, full ones of 14 and newer, increments of 17 and newer; logical ones
 * by pg_dump.
 */
export const postgresEngine = ({ clock }: { clock: Clock }): Engine => ({
  kind: 'postgres',
  can: ({ engineVersion, problems }) => ({
    physical: !problems.some(({ severity, method = 'Physical' }) => severity === 'error' && method === 'Physical'),
    incremental: Number.parseInt(engineVersion, 10) >= 17 && !problems.some(({ what }) => what === NO_SUMMARIES),
    pointInTime: false,
    logical: !problems.some(({ severity, method = 'Logical' }) => severity === 'error' && method === 'Logical'),
    singleDatabase: true,
  }),
  probe,
  backup: (node, request, sink, options = {}) =>
    request.method === 'Logical'
      ? logicalBackup(node, request, sink, options)
      : backup(node, request, sink, { ...options, clock }),
  watchLoad: (nodes) => watchLoad(nodes, { clock }),
  restore,
  drill: (target, chain, request, options = {}) => drill(target, chain, request, { ...options, clock }),
  clear: (directory) => clearServer(directory, clock),
  start,
  restoreInto,
})
