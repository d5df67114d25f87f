import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { drillDue, type DrillStanding } from './drill-due.ts'
import type { Drills } from './policy.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-01-05T12:00:00Z')
const NIGHTLY = { expression: '0 2 * * *', timeZone: 'UTC' }

/** Sets 1 to `count`, the newest first; drilled are those named. */
const sets = (count: number, ...drilled: readonly number[]) =>
  Array.from({ length: count }, (_, at) => ({ id: String(count - at), drilled: drilled.includes(count - at) }))
const task = (setId: string, more: Partial<NonNullable<DrillStanding['last']>> = {}) => ({
  taskId: '9',
  setId,
  addedAt: NOW - HOUR,
  ended: true,
  ...more,
})
const due = (drills: Drills, standing: DrillStanding, since = 0, now = NOW) => drillDue(drills, standing, since, now)

suite('a drill after so many sets', () => {
  test('is due for the newest when so many came since the last one that was drilled', () => {
    assert.equal(due({ everySets: 1 }, { newest: sets(1) }), '1')
    assert.equal(due({ everySets: 1 }, { newest: sets(1, 1), last: task('1') }), undefined)
    assert.equal(due({ everySets: 3 }, { newest: sets(2) }), undefined)
    assert.equal(due({ everySets: 3 }, { newest: sets(3) }), '3')
    assert.equal(due({ everySets: 3 }, { newest: sets(3, 1), last: task('1') }), undefined)
  })

  test('is not due again for a set whose drill came to nothing, nor while one has not ended', () => {
    assert.equal(due({ everySets: 1 }, { newest: sets(4), last: task('4') }), undefined)
    assert.equal(due({ everySets: 1 }, { newest: sets(4), last: task('3', { ended: false }) }), undefined)
    assert.equal(due({ everySets: 1 }, { newest: sets(5), last: task('4') }), '5')
  })

  test('leaves no more sets undrilled than it says, whatever is drilled by hand meanwhile', () => {
    const events = fc.array(fc.oneof(fc.constant('set' as const), fc.nat(20)), { maxLength: 60 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), events, (everySets, all) => {
        const drilled = new Set<number>()
        let [count, last] = [0, undefined as DrillStanding['last']]
        for (const event of all) {
          if (event === 'set') count++
          else if (event <= count && event > 0) [last] = [task(String(event)), drilled.add(event)]
          const newest = sets(count, ...drilled).slice(0, everySets)
          const id = due({ everySets }, { newest, ...(last && { last }) })
          if (id !== undefined) [last] = [task(id), drilled.add(Number(id))]
          const behind = sets(count, ...drilled).findIndex((set) => set.drilled)
          assert.ok((behind === -1 ? count : behind) < everySets)
        }
      }),
    )
  })
})

suite('a drill by cron', () => {
  const nightly: Drills = { everySets: 0, cron: NIGHTLY }

  test('is due once for each of its moments, also for a set that was drilled', () => {
    const evening = Date.parse('2026-01-04T20:00:00Z')
    assert.equal(due(nightly, { newest: sets(1, 1), last: task('1', { addedAt: evening }) }), '1')
    assert.equal(due(nightly, { newest: sets(1, 1), last: task('1') }), undefined)
    assert.equal(due(nightly, { newest: [] }), undefined)
  })

  test('counts from when the policy was changed, and makes up for what was missed by one', () => {
    assert.equal(due(nightly, { newest: sets(2) }, NOW - HOUR), undefined)
    assert.equal(due(nightly, { newest: sets(2) }, NOW - 24 * HOUR), '2')
    const month = { newest: sets(2), last: task('1', { addedAt: NOW - 30 * 24 * HOUR }) }
    assert.equal(due(nightly, month), '2')
  })

  test('waits for no clock that was ahead, and comes never for a cron that cannot be read', () => {
    assert.equal(due(nightly, { newest: sets(1), last: task('1', { addedAt: NOW + 48 * HOUR }) }), '1')
    assert.equal(
      due({ everySets: 0, cron: { ...NIGHTLY, expression: '@daily' } }, { newest: sets(1) }, NOW - 48 * HOUR),
      undefined,
    )
  })
})
