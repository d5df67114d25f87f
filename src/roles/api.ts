import { hostname } from 'node:os'
import { ACTIONS } from '../api/actions.ts'
import { createReadAudit } from '../api/audit-reads.ts'
import { startApi } from '../api/server.ts'
import { auditDirectory, READS } from '../cli/local/audit-files.ts'
import type { RoleHooks, RunningRole } from '../cli/local/role.ts'
import type { Config } from '../config/config.ts'
import { createAppendFile, type AppendFile } from '../lib/append-file.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { openSealer } from './catalog.ts'
import type { Program } from './program.ts'
import { openDeps } from './deps.ts'

/** Starts the API, with its links, metrics and health. */
export async function startApiRole(config: Config, { log, wake }: RoleHooks, program: Program): Promise<RunningRole> {
  const shared = await openDeps(config, log, program)
  const sealer = await openSealer(config.keyFile)
  const reads = config.audit.reads ? openReads(config, log, program.clock) : undefined
  const notes = reads && createReadAudit(reads, program.clock)
  const api = await startApi({ ...shared, config, sealer, wake, actions: ACTIONS, reads: notes })
  return {
    addresses: { url: api.url, port: api.port, metricsUrl: api.metricsUrl, metricsPort: api.metricsPort },
    wake: () => {},
    stop: async () => {
      await api.close()
      await reads?.close()
      await shared.catalog.close()
    },
    failed: new Promise<never>(() => {}),
  }
}

/** The files of this process: each process of a fleet has its own, also where several share a directory. */
function openReads({ audit, dataDir }: Config, log: Log, clock: Clock): AppendFile {
  const { fileBytes, fileSeconds, files } = audit
  return createAppendFile(
    {
      directory: auditDirectory(dataDir),
      kind: READS,
      writer: `${hostname()}-${process.pid}`,
      fileBytes,
      fileMs: fileSeconds * 1000,
      files,
    },
    {
      clock,
      failed: (error) => log.error({ err: error }, 'the audit of reads and downloads cannot be written'),
      recovered: (dropped) => log.warn({ dropped }, 'the audit of reads and downloads is written again'),
    },
  )
}
