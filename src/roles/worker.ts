import { hostname } from 'node:os'
import type { ClaimLimits } from '../catalog/claims.ts'
import { ownerOf } from '../cli/local/owner.ts'
import type { RoleHooks, RunningRole } from '../cli/local/role.ts'
import type { Config } from '../config/config.ts'
import { receiversOf } from '../scheduler/receivers.ts'
import { runAlerts } from '../scheduler/run-alerts.ts'
import { runCatalogExport } from '../scheduler/run-catalog-export.ts'
import { runDrills } from '../scheduler/run-drills.ts'
import { runSchedule } from '../scheduler/run-schedule.ts'
import { runScheduler } from '../scheduler/run-scheduler.ts'
import { watchEncryption } from '../scheduler/watch-encryption.ts'
import { keepClones } from '../worker/keep-clones.ts'
import { runWorker } from '../worker/run-worker.ts'
import type { Program } from './program.ts'
import { openDeps } from './deps.ts'

const DAY_MS = 86_400_000

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

/** Starts a worker, and with it the scheduler. */
export async function startWorkerRole(
  config: Config,
  { log, wake }: RoleHooks,
  program: Program,
): Promise<RunningRole> {
  const stopping = new AbortController()
  const shared = await openDeps(config, log, program)
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
