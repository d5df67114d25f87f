import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { DEFAULT_POLICY } from '../core/policy.ts'
import type { Task } from '../core/task.ts'
import { FakeClock } from '../lib/clock.ts'
import { putCatalogExport } from '../set/catalog-export.ts'
import { memStore } from '../store/mem.ts'
import { metricsPage } from './metrics.ts'
import { createRequestMetrics } from './metrics-requests.ts'
import { renderMetrics } from './metrics-text.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')
const GOLDEN = new URL('../../test/golden/metrics.txt', import.meta.url)

/** A backup that waits for its store. */
const waiting: Task = {
  id: '1',
  kind: 'take-backup',
  instanceId: 'rm-1',
  setId: '2',
  state: 'running',
  attempt: 1,
  stopped: 0,
  request: {},
  progress: { phase: 'awaiting-store', percent: 1, bytes: 1, totalBytes: 2 },
  result: undefined,
  reason: 'waits for the store',
  cancelAsked: false,
  createdAt: 0,
  startedAt: 0,
  endedAt: undefined,
}

async function page(): Promise<string> {
  const requests = createRequestMetrics()
  requests.observe('DescribeBackups', 200, 0.0004)
  requests.observe('DescribeBackups', 200, 0.2)
  requests.observe('DescribeBackups', 404, 60)
  const store = memStore(new FakeClock('2026-01-02T01:04:05Z'))
  await putCatalogExport(store, NOW, Buffer.from('sealed'))
  return metricsPage({
    catalog: {
      figures: async () => [
        { instanceId: 'rm-1', succeeded: 3, failed: 1, bytes: 5000, lastSuccessAt: NOW - 90_000, lastDurationMs: 1500 },
        { instanceId: 'rm-2', succeeded: 0, failed: 0, bytes: 0, lastSuccessAt: undefined, lastDurationMs: undefined },
      ],
      standings: async () =>
        [false, true].map((failed, at) => ({
          instanceId: `rm-${at + 1}`,
          createdAt: 0,
          rpoSeconds: 0,
          drill: { setId: '7', failed, reason: '', endedAt: NOW - 7000 },
        })),
      taskFigures: async () => [{ kind: 'take-backup', state: 'running', count: 2 }],
      tasks: async () => [waiting],
      sinceLastBeat: async () => 2500,
      alertFigures: async () => [{ kind: 'backup-failed', count: 2 }],
      receivers: async () => [
        { name: 'email', toldAt: 5, failing: undefined },
        { name: 'webhook', toldAt: 5, failing: { since: 6, why: 'no answer' } },
      ],
      scheduled: async () =>
        [0, 600, 7200].map((seconds, at) => ({
          instanceId: `rm-${at}`,
          policy: DEFAULT_POLICY,
          changedAt: 0,
          settledAt: NOW - seconds * 1000,
        })),
    },
    store,
    clock: new FakeClock('2026-01-02T03:04:05Z'),
    requests,
    health: async () => ({ ready: true, problems: [] }),
    figures: () => ({ cacheBytes: 1, nonces: 2, nonceBytes: 3, auditDropped: 4, auditFailing: false }),
    outlook: ({ settledAt }) => settledAt + 3_600_000,
  })
}
const lines = async () => (await page()).split('\n')

suite('the metrics page', () => {
  test('has the names, types and labels that dashboards were built on', async () => {
    const names = (await lines()).map((line) => line.replace(/ [\d.e+-]+$/, '').replaceAll(/="[^"]*"/g, ''))
    assert.deepEqual(
      [...new Set(names)].filter((line) => line !== '' && !line.startsWith('# HELP')),
      readFileSync(GOLDEN, 'utf8').trim().split('\n'),
    )
  })

  test('tells the figures of backups in seconds and bytes, and nothing where there is none', async () => {
    const text = await page()
    for (const line of [
      'holdfast_backup_sets{instance="rm-1",status="Success"} 3',
      'holdfast_backup_sets{instance="rm-1",status="Failed"} 1',
      'holdfast_backup_set_bytes{instance="rm-1"} 5000',
      'holdfast_last_success_age_seconds{instance="rm-1"} 90',
      'holdfast_last_backup_duration_seconds{instance="rm-1"} 1.5',
      'holdfast_tasks{kind="take-backup",state="running"} 2',
      'holdfast_backups_waiting{phase="awaiting-store"} 1',
      'holdfast_backups_waiting{phase="backing-off"} 0',
      'holdfast_last_drill_age_seconds{instance="rm-1"} 7',
      'holdfast_last_drill_passed{instance="rm-1"} 1',
      'holdfast_last_drill_passed{instance="rm-2"} 0',
      'holdfast_worker_silence_seconds 2.5',
      'holdfast_catalog_export_age_seconds 7200',
      'holdfast_ready 1',
      'holdfast_schedules 3',
      'holdfast_alerts{kind="backup-failed"} 2',
      'holdfast_alerts{kind="rpo-exceeded"} 0',
      'holdfast_alert_receiver_failing{receiver="email"} 0',
      'holdfast_alert_receiver_failing{receiver="webhook"} 1',
      'holdfast_schedules_late 1',
      'holdfast_schedule_lag_seconds 3600',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line)
    }
    assert.doesNotMatch(text, /holdfast_last_success_age_seconds\{instance="rm-2"/)
  })

  test('counts requests by action and status, and how long they took', async () => {
    const text = await page()
    for (const line of [
      'holdfast_api_requests_total{action="DescribeBackups",status="200"} 2',
      'holdfast_api_request_duration_seconds_bucket{action="DescribeBackups",status="200",le="0.001"} 1',
      'holdfast_api_request_duration_seconds_bucket{action="DescribeBackups",status="200",le="0.25"} 2',
      'holdfast_api_request_duration_seconds_bucket{action="DescribeBackups",status="200",le="+Inf"} 2',
      'holdfast_api_request_duration_seconds_count{action="DescribeBackups",status="404"} 1',
      'holdfast_api_request_duration_seconds_bucket{action="DescribeBackups",status="404",le="30"} 0',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line)
    }
  })

  test('escapes what a label may hold', () => {
    const metric = { name: 'm', type: 'gauge' as const, help: 'h', samples: [{ labels: { a: '\\ " \n' }, value: 1 }] }
    assert.equal(renderMetrics([metric]), '# HELP m h\n# TYPE m gauge\nm{a="\\\\ \\" \\n"} 1\n')
  })
})
