import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { goldenSql, record, useEveryMethod } from '../../test/catalog/sql-of-methods.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import type { Catalog } from './catalog.ts'
import { openCatalog } from './open.ts'
import { pageSql } from './page-sql.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-plans-'))
const path = join(directory, 'catalog.db')
const recording = record()
let methods: readonly string[] = []

before(async () => {
  const sealer = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const catalog = await openCatalog({
    url: `sqlite:${path}`,
    sealer,
    clock,
    log: silentLog,
    heard: (sql) => recording.heard(sql),
  })
  await useEveryMethod(catalog, (method) => recording.enter(method))
  methods = Object.keys(catalog)
  await catalog.close()
})
after(() => rm(directory, { recursive: true }))

/** What SQLite will do for a statement, line by line. */
function planOf(sql: string): string[] {
  using file = new DatabaseSync(path, { readOnly: true })
  return file
    .prepare(`explain query plan ${sql}`)
    .all()
    .map((row) => String(row['detail']))
}

/** Methods that look at everything they know of something, and the tables they may read whole. */
const WHOLE: Partial<Record<keyof Catalog, RegExp>> = {
  dump: /./,
  check: /./,
  instances: /instances/,
  figures: /instances|set_counts/,
  scheduled: /policies/,
  drilled: /policies/,
  taskFigures: /tasks USING COVERING INDEX tasks_by_state/,
  tasks: /^SCAN tasks$/,
  ensureTask: /tasks USING .*INDEX tasks_open|about/,
  // Its limits look at the open backups and at those they are in line with.
  claimTask: /tasks USING INDEX tasks_open|SCAN (queued|\(subquery-\d+\))$/,
  deregisterInstance: /tasks USING .*INDEX tasks_(open|one_backup)/,
  keys: /access_keys/,
  sinceLastBeat: /workers/,
  tidy: /workers/,
  standings: /instances/,
  damagedSets: /sets USING INDEX sets_with_damage/,
  alerts: /^SCAN alerts/,
  openAlerts: /alerts USING INDEX alerts_that_are_open/,
  alertFigures: /alerts USING INDEX alerts_that_last/,
  receivers: /alert_receivers/,
}
/** The one row of `about`, and what a subquery gave. */
const HARMLESS = /^SCAN (about|picked|CONSTANT ROW)/

test('every method was used', () => {
  assert.deepEqual(new Set([...recording.methods.keys(), 'kind', 'close', 'load']), new Set(methods))
})

test('each method asks what its golden file says', async () => {
  const { actual, expected } = await goldenSql(recording, 'sqlite')
  assert.equal(actual, expected)
})

test('no method but those that ask for everything reads a whole table', () => {
  for (const [method, statements] of recording.methods) {
    for (const sql of statements) {
      const scans = planOf(sql).filter((line) => line.startsWith('SCAN') && !HARMLESS.test(line))
      for (const scan of scans) assert.match(scan, WHOLE[method] ?? /^$/, `${method}: ${sql}`)
    }
  }
})

test('a page of any filter reads index ranges in their order, and sorts no more than the page', () => {
  const sql = pageSql('sqlite', '?')
  for (const order of ['asc', 'desc'] as const) {
    assert.deepEqual(planOf(sql.walk(order)), [
      'SEARCH sets USING PRIMARY KEY (instance_id=? AND started_at>? AND started_at<?)',
    ])
    for (let buckets = 1; buckets <= 8; buckets++) {
      const plan = planOf(sql.pick(order, buckets))
      const ranges = plan.filter((line) =>
        line.startsWith('SEARCH sets USING COVERING INDEX sets_by_bucket (instance_id=? AND bucket=? AND started_at>?'),
      )
      assert.equal(ranges.length, buckets)
      const [rows, ...more] = plan.slice(plan.indexOf('SCAN picked') + 1)
      assert.match(rows ?? '', /^SEARCH sets USING (PRIMARY KEY|INDEX \S+) \(.*\bid=\?.*\)$/)
      assert.deepEqual(more, [])
      const merge = plan.slice(0, plan.indexOf('SCAN picked'))
      assert.deepEqual(
        merge.filter((line) => line.includes('TEMP B-TREE')),
        [],
      )
    }
  }
  assert.match(planOf(sql.countBetween(3)).join(), /^SEARCH sets USING COVERING INDEX sets_by_bucket/)
  assert.match(planOf(sql.one).join(), /^SEARCH sets USING INDEX \S+ \(id=\?\)$/)
})
