import type { Catalog, InstanceFigures } from '../catalog/catalog.ts'
import { ALERT_KINDS } from '../core/alert.ts'
import type { Standing } from '../core/conditions.ts'
import { Fault } from '../core/fault.ts'
import { PAUSES } from '../core/task.ts'
import type { Settled } from '../core/schedule.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import { listCatalogExports } from '../set/catalog-export.ts'
import type { Store } from '../store/store.ts'
import type { Figures } from './handle.ts'
import type { Health } from './health.ts'
import type { RequestMetrics } from './metrics-requests.ts'
import { renderMetrics, type Metric, type Sample } from './metrics-text.ts'

export interface MetricsDeps {
  readonly catalog: Pick<
    Catalog,
    'figures' | 'tasks' | 'taskFigures' | 'standings' | 'sinceLastBeat' | 'scheduled' | 'alertFigures' | 'receivers'
  >
  readonly store: Pick<Store, 'list'>
  readonly clock: Clock
  readonly requests: RequestMetrics
  readonly health: () => Promise<Health>
  readonly figures: () => Figures
  /** When an instance's schedule is due next. */
  readonly outlook: (one: Settled) => Moment | undefined
}

/** The name under which the page is served, on its own address. */
export const METRICS_PATH = '/metrics'
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The metrics page. Figures about backups are read from the catalog at each look, so that they survive a restart and are the same in every
 * process; figures about requests are this process's own. Rejects when the catalog does not answer.
 */
export async function metricsPage(deps: MetricsDeps): Promise<string> {
  const [instances, standings, tasks, running, silence, scheduled, alerts, receivers, { ready }, exportedAt] =
    await Promise.all([
      deps.catalog.figures(),
      deps.catalog.standings(),
      deps.catalog.taskFigures(),
      deps.catalog.tasks({ kind: 'take-backup', states: ['running'] }),
      deps.catalog.sinceLastBeat(),
      deps.catalog.scheduled(),
      deps.catalog.alertFigures(),
      deps.catalog.receivers(),
      deps.health(),
      lastExportAt(deps.store),
    ])
  return renderMetrics([
    gauge('holdfast_ready', 'Whether /healthz says that the service is ready.', [{ value: ready ? 1 : 0 }]),
    ...backupMetrics(instances, deps.clock.now()),
    gauge(
      'holdfast_tasks',
      'Tasks by kind and state.',
      tasks.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    ),
    gauge(
      'holdfast_backups_waiting',
      'Backups that run and wait: for a store that takes nothing, or for a busy database.',
      PAUSES.map((phase) => ({
        labels: { phase },
        value: running.filter(({ progress }) => progress.phase === phase).length,
      })),
    ),
    ...drillMetrics(standings, deps.clock.now()),
    ...scheduleMetrics(scheduled, deps),
    gauge(
      'holdfast_alerts',
      'Alerts that last, by kind.',
      ALERT_KINDS.map((kind) => ({ labels: { kind }, value: alerts.find((one) => one.kind === kind)?.count ?? 0 })),
    ),
    gauge(
      'holdfast_alert_receiver_failing',
      'Whether a receiver of alerts did not take the last message. Absent until it was first told something.',
      receivers.map(({ name, failing }) => ({ labels: { receiver: name }, value: failing ? 1 : 0 })),
    ),
    gauge(
      'holdfast_worker_silence_seconds',
      'Time since any worker last reported.',
      silence === undefined ? [] : [{ value: silence / 1000 }],
    ),
    gauge(
      'holdfast_catalog_export_age_seconds',
      "Time since the newest of the catalog's own exports was written to the store. Absent while there is none.",
      exportedAt === undefined ? [] : [{ value: (deps.clock.now() - exportedAt) / 1000 }],
    ),
    ...deps.requests.metrics(),
    ...processMetrics(deps.figures()),
  ])
}

/** A store that does not answer shall not take the rest of the page with it. */
async function lastExportAt(store: Pick<Store, 'list'>): Promise<Moment | undefined> {
  try {
    return (await listCatalogExports(store)).at(-1)?.at
  } catch (error) {
    if (Fault.is(error)) return undefined
    throw error
  }
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  name,
  type: 'gauge',
  help,
  samples,
})

function backupMetrics(instances: readonly InstanceFigures[], now: Moment): Metric[] {
  const each = (valueOf: (one: InstanceFigures) => number | undefined): Sample[] =>
    instances.flatMap((one) => {
      const value = valueOf(one)
      return value === undefined ? [] : [{ labels: { instance: one.instanceId }, value }]
    })
  return [
    gauge('holdfast_backup_sets', 'Backup sets by status.', instances.flatMap(setsByStatus)),
    gauge(
      'holdfast_backup_set_bytes',
      'Bytes of the downloads of all sets of an instance.',
      each(({ bytes }) => bytes),
    ),
    gauge(
      'holdfast_last_success_age_seconds',
      'Time since the last successful backup of an instance ended. Absent while there is none.',
      each(({ lastSuccessAt }) => (lastSuccessAt === undefined ? undefined : (now - lastSuccessAt) / 1000)),
    ),
    gauge(
      'holdfast_last_backup_duration_seconds',
      'How long the last successful backup of an instance took.',
      each(({ lastDurationMs }) => (lastDurationMs === undefined ? undefined : lastDurationMs / 1000)),
    ),
  ]
}

function drillMetrics(standings: readonly Standing[], now: Moment): Metric[] {
  const drills = standings.flatMap(({ instanceId: instance, drill }) =>
    drill ? [{ labels: { instance }, drill }] : [],
  )
  return [
    gauge(
      'holdfast_last_drill_age_seconds',
      'Time since the newest drill of an instance ended, whatever it found. Absent while there is none.',
      drills.map(({ labels, drill }) => ({ labels, value: (now - drill.endedAt) / 1000 })),
    ),
    gauge(
      'holdfast_last_drill_passed',
      'Whether that drill passed. Absent while there is none.',
      drills.map(({ labels, drill }) => ({ labels, value: drill.failed ? 0 : 1 })),
    ),
  ]
}

/** Late is what is due and has no task yet: the scheduler looks every few seconds, and waits for a backup that has not ended. */
function scheduleMetrics(scheduled: readonly Settled[], { clock, outlook }: MetricsDeps): Metric[] {
  const now = clock.now()
  const lags = scheduled.map((one) => Math.max(0, now - (outlook(one) ?? now)))
  const most = lags.reduce((a, b) => Math.max(a, b), 0)
  return [
    gauge('holdfast_schedules', 'Instances whose policy asks for automated backups.', [{ value: scheduled.length }]),
    gauge('holdfast_schedules_late', 'How many of them have an automated backup due that has not been asked for.', [
      { value: lags.filter((lag) => lag > 0).length },
    ]),
    gauge('holdfast_schedule_lag_seconds', 'How long the latest of those is due; 0 when none is.', [
      { value: most / 1000 },
    ]),
  ]
}

const setsByStatus = ({ instanceId: instance, succeeded, failed }: InstanceFigures): Sample[] => [
  { labels: { instance, status: 'Success' }, value: succeeded },
  { labels: { instance, status: 'Failed' }, value: failed },
]

const processMetrics = ({ cacheBytes, nonces, nonceBytes, auditDropped, auditFailing }: Figures): Metric[] => [
  gauge('holdfast_api_cache_bytes', 'Bytes of rendered pages in memory.', [{ value: cacheBytes }]),
  gauge('holdfast_api_nonces', 'Nonces remembered.', [{ value: nonces }]),
  gauge('holdfast_api_nonce_bytes', 'Bytes of memory that the nonces take.', [{ value: nonceBytes }]),
  {
    name: 'holdfast_audit_dropped_total',
    type: 'counter',
    help: 'Reads and downloads that the audit could not write and had no more room for.',
    samples: [{ value: auditDropped }],
  },
  gauge('holdfast_audit_failing', 'Whether the audit of reads and downloads cannot be written now.', [
    { value: auditFailing ? 1 : 0 },
  ]),
  gauge('holdfast_api_resident_bytes', 'Resident memory of the API process.', [{ value: process.memoryUsage.rss() }]),
]
