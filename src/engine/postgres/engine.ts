import type { Clock } from '../../lib/clock.ts'
import type { Engine } from '../engine.ts'
import { backup } from './backup.ts'
import { probe } from './probe.ts'
import { restore } from './restore.ts'

/** Knows PostgreSQL: full physical backups over the replication protocol, of 14 and newer. */
export const postgresEngine = ({ clock }: { clock: Clock }): Engine => ({
  kind: 'postgres',
  can: ({ problems }) => ({
    physical: !problems.some(({ severity }) => severity === 'error'),
    incremental: false,
    pointInTime: false,
    logical: false,
    singleDatabase: false,
  }),
  probe,
  backup: (node, request, sink, options = {}) => backup(node, request, sink, { ...options, clock }),
  restore,
})
