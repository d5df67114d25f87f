import { fork } from 'node:child_process'
import { availableParallelism, hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { ACTIONS } from './api/actions.ts'
import { createReadAudit } from './api/audit-reads.ts'
import { startApi } from './api/server.ts'
import type { ClaimLimits } from './catalog/claims.ts'
import { openCatalog } from './catalog/open.ts'
import { readSecretFile } from './config/client.ts'
import { environment } from './config/environment.ts'
import { openEncryption } from './cli/local/encryption.ts'
import { auditDirectory, READS } from './cli/local/audit-files.ts'
import { ownerOf } from './cli/local/owner.ts'
import type { RoleHooks, RunningRole } from './cli/local/role.ts'
import type { Parts } from './cli/parts.ts'
import { runProgram } from './cli/program.ts'
import type { Config } from './config/config.ts'
import { Fault } from './core/fault.ts'
import type { EngineKind } from './core/instance.ts'
import { openEngine } from './engine/open.ts'
import type { Engine } from './engine/engine.ts'
import { createAppendFile, type AppendFile } from './lib/append-file.ts'
import { systemClock, type Clock } from './lib/clock.ts'
import { createLog, type Log } from './lib/log.ts'
import { openKeyFile } from './lib/seal.ts'
import { receiversOf } from './scheduler/receivers.ts'
import { runAlerts } from './scheduler/run-alerts.ts'
import { runCatalogExport } from './scheduler/run-catalog-export.ts'
import { runDrills } from './scheduler/run-drills.ts'
import { runSchedule } from './scheduler/run-schedule.ts'
import { runScheduler } from './scheduler/run-scheduler.ts'
import { watchEncryption } from './scheduler/watch-encryption.ts'
import { openStore } from './store/open.ts'
import { keepClones } from './worker/keep-clones.ts'
import { runWorker } from './worker/run-worker.ts'

/** libuv compresses frames on its own threads; its default of 4 leaves larger machines idle. */
const THREADS = String(Math.max(4, availableParallelism()))

/**
 * A worker streams: what it allocates is dead a moment later. A small young generation and few malloc arenas take a third off its
 * memory, and nothing from its speed. Thresholds that are set stay as they are: left alone, glibc raises them with the first
 * large buffer that is freed, and keeps a hundred megabytes of those to come.
 */
const LEAN = {
  flags: ['--max-semi-space-size=2', '--expose-gc'],
  env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
} as const

const DAY_MS = 86_400_000

/** What a program is made of that tests make otherwise. */
export interface Program {
  /** The file that runs it, for its children. */
  readonly file: string
  readonly clock: Clock
  readonly openEngine: typeof openEngine
}

/** Joins the real things into what commands work with. */
export function createParts(program: Program): Parts {
  const { clock } = program
  const env = environment()
  return {
    clock,
    env,
    io: { stdin: process.stdin, out: process.stdout, err: process.stderr },
    log: createLog,
    openSealer,
    openCatalog: (config, options) => openConfigured(config, clock, options),
    openStore: (url, options) => openStore(url, clock, options),
    openEngine: (kind, log) => program.openEngine(kind, { clock, log }),
    roles: {
      api: (config, hooks) => startApiRole(config, hooks, program),
      worker: (config, hooks) => startWorkerRole(config, hooks, program),
    },
    fork: (role) =>
      fork(program.file, ['serve', '--role', role, '--child'], {
        execArgv: [...process.execArgv, ...(role === 'worker' ? LEAN.flags : [])],
        env: { UV_THREADPOOL_SIZE: THREADS, ...(role === 'worker' ? LEAN.env : {}), ...env },
      }),
  }
}

const openSealer = (keyFile: string) =>
  openKeyFile(keyFile, (message, options) => new Fault('invalid', message, options))

async function openConfigured(
  { catalog, keyFile }: Config,
  clock: Clock,
  { log, migrate }: { log: Log; migrate: boolean },
) {
  const password = catalog.passwordFile === undefined ? undefined : readSecretFile(catalog.passwordFile)
  return openCatalog({ url: catalog.url, password, sealer: await openSealer(keyFile), clock, log, migrate })
}

/** What both roles work with. */
async function openShared(config: Config, log: Log, { clock, openEngine: open }: Program) {
  const engines = new Map<EngineKind, Engine>()
  return {
    catalog: await openConfigured(config, clock, { log, migrate: false }),
    store: await openStore(config.store.url, clock),
    encryption: await openEncryption(config.encryption),
    clock,
    log,
    /** One engine of each kind for a whole process. */
    engineOf: (kind: EngineKind) => {
      const engine = engines.get(kind) ?? open(kind, { clock, log })
      engines.set(kind, engine)
      return engine
    },
  }
}

async function startApiRole(config: Config, { log, wake }: RoleHooks, program: Program): Promise<RunningRole> {
  const shared = await openShared(config, log, program)
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

/** There is one store: the limit for it and the one for all count the same tasks, and the lesser holds. */
function limitsOf({ worker: { bulkInAll, bulkPerStore, backupsPerHost }, drills }: Config): ClaimLimits {
  const set = [bulkInAll, bulkPerStore].filter((limit) => limit > 0)
  return { bulk: set.length === 0 ? 0 : Math.min(...set), perHost: backupsPerHost, drills: drills.atOnce }
}

function alertsOf(config: Config) {
  const { alerts, api } = config
  const { lookSeconds, gapSeconds, repeatSeconds, settleSeconds } = alerts
  return {
    settings: alerts,
    lookSeconds,
    rules: { gapMs: gapSeconds * 1000, repeatMs: repeatSeconds * 1000, settleMs: settleSeconds * 1000 },
    receivers: receiversOf(alerts),
    service: api.publicUrl ?? `holdfast on ${hostname()}`,
  }
}

async function startWorkerRole(config: Config, { log, wake }: RoleHooks, program: Program): Promise<RunningRole> {
  const stopping = new AbortController()
  const shared = await openShared(config, log, program)
  const { catalog, clock } = shared
  const { roots, binDirs, owner } = config.restore
  const restore = { roots, binDirs, owner: owner === undefined ? undefined : await ownerOf(owner) }
  const name = `${hostname()}-${process.pid}-${clock.now().toString(36)}`
  const auditMs = config.audit.days * DAY_MS
  const limits = limitsOf(config)
  const { directory: clones, lookSeconds } = config.clones
  const scratch = config.drills.directory
  const worker = runWorker(
    { ...shared, name, settings: config.worker, limits, restore, scratch, clones, auditMs },
    stopping.signal,
  )
  const { sweepSeconds, retainSeconds, pollSeconds } = config.scheduler
  const wakeAll = () => {
    worker.wake()
    wake()
  }
  const { exportRecipients: recipients, exportsKept: keep } = config.catalog
  const watch = watchEncryption({ ...shared, settings: config.encryption })
  const done = Promise.all([
    worker.done,
    runScheduler({ ...shared, sweepSeconds, retainSeconds, wake: wakeAll }, stopping.signal),
    runSchedule({ ...shared, pollSeconds, wake: wakeAll }, stopping.signal),
    runDrills({ ...shared, pollSeconds, wake: wakeAll }, stopping.signal),
    runCatalogExport({ ...shared, recipients, keep }, stopping.signal),
    runAlerts({ ...shared, ...alertsOf(config), watchEncryption: watch, name }, stopping.signal),
    clones === undefined ? undefined : keepClones({ ...shared, restore, clones, lookSeconds }, stopping.signal),
  ])
  return {
    addresses: {},
    wake: () => worker.wake(),
    stop: async () => {
      stopping.abort()
      await done
      await catalog.close()
    },
    failed: done.then(() => new Promise<never>(() => {})),
  }
}

if (import.meta.main) {
  const parts = createParts({ file: fileURLToPath(import.meta.url), clock: systemClock, openEngine })
  const code = await runProgram(process.argv.slice(2), parts)
  // After a failure, what else still runs shall not keep the process alive. Streams to pipes, files and terminals are written by now.
  if (code !== 0) process.exit(code)
}
