import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { problemsOf, type Checked } from './probe-problems.ts'

const fine: Checked = {
  role: 'backup',
  is_replica: false,
  version_num: 150_018,
  may_replicate: true,
  is_monitor: true,
  wal_level: 'replica',
  wal_senders: 10,
  wal_senders_used: 9,
  slots: 10,
  slots_used: 9,
  idle_slots: [],
  slot_wal_keep: -1,
  full_page_writes: true,
  data_checksums: true,
  summarize_wal: null,
  inner_tablespaces: [],
}
const only = (change: Partial<Checked>) => {
  const [problem, ...more] = problemsOf({ ...fine, ...change })
  assert.deepEqual(more, [])
  assert.ok(problem)
  return problem
}

suite('what a probe finds missing', () => {
  test('nothing is missing when all is there', () => {
    assert.deepEqual(problemsOf(fine), [])
    assert.deepEqual(problemsOf({ ...fine, version_num: 180_004, summarize_wal: 'on' }), [])
  })

  test('the right to replicate, for a role of any name', () => {
    const problem = only({ may_replicate: false, role: 'My "role"' })
    assert.deepEqual(problem, {
      severity: 'error',
      method: 'Physical',
      what: 'the role My "role" may not replicate, which a physical backup does',
      fix: 'ALTER ROLE "My ""role""" REPLICATION;',
    })
  })

  const cases: Record<string, readonly [Partial<Checked>, 'error' | 'warning', string]> = {
    wal_level: [{ wal_level: 'minimal' }, 'error', 'ALTER SYSTEM SET wal_level = replica; and restart the server'],
    'a free walsender': [
      { wal_senders_used: 10 },
      'error',
      'ALTER SYSTEM SET max_wal_senders = 15; and restart the server',
    ],
    'any walsender': [
      { wal_senders: 0, wal_senders_used: 0 },
      'error',
      'ALTER SYSTEM SET max_wal_senders = 5; and restart the server',
    ],
    'a free slot': [{ slots_used: 10 }, 'error', 'ALTER SYSTEM SET max_replication_slots = 15; and restart the server'],
    'a slot among idle ones': [
      { slots_used: 10, idle_slots: ['old', "o'"] },
      'error',
      "ALTER SYSTEM SET max_replication_slots = 15; and restart the server; or drop what nobody uses any more: SELECT pg_drop_replication_slot('old'); SELECT pg_drop_replication_slot('o''');",
    ],
    'a limit on kept WAL': [
      { slot_wal_keep: 1024 },
      'warning',
      'ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();',
    ],
    pg_monitor: [{ is_monitor: false }, 'warning', 'GRANT pg_monitor TO "backup";'],
    full_page_writes: [
      { full_page_writes: false },
      'warning',
      'ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();',
    ],
    checksums: [
      { data_checksums: false },
      'warning',
      'Stop the server and run: pg_checksums --enable -D DATA_DIRECTORY',
    ],
    summaries: [
      { version_num: 180_004, summarize_wal: 'off' },
      'warning',
      'ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();',
    ],
    'a newer version': [{ version_num: 130_022 }, 'error', 'Upgrade the server with pg_upgrade.'],
    'an inner tablespace': [
      { inner_tablespaces: ['in'] },
      'warning',
      `CREATE TABLESPACE "in_outside" LOCATION '/a/directory/outside'; in each database: ALTER TABLE ALL IN TABLESPACE "in" SET TABLESPACE "in_outside"; ALTER INDEX ALL IN TABLESPACE "in" SET TABLESPACE "in_outside"; ALTER MATERIALIZED VIEW ALL IN TABLESPACE "in" SET TABLESPACE "in_outside"; DROP TABLESPACE "in";`,
    ],
  }
  for (const [what, [change, severity, fix]] of Object.entries(cases)) {
    test(`${what}, with the statement that mends it`, () => {
      const problem = only(change)
      assert.equal(problem.severity, severity)
      assert.equal(problem.fix, fix)
    })
  }

  test('full_page_writes of a replica itself does not matter', () => {
    assert.deepEqual(problemsOf({ ...fine, is_replica: true, full_page_writes: false }), [])
  })
})
