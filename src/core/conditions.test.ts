import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { damagedSet, exceededRpo, expiringKey, failedBackup, nearlyFull, type Standing } from './conditions.ts'
import { DEFAULT_POLICY, UNTOUCHED_POLICY, type Policy } from './policy.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-23T12:00:00Z')
const LATE = 2 * HOUR

const standing = (over: Partial<Standing> = {}): Standing => ({
  instanceId: 'pg-1',
  createdAt: NOW - 100 * DAY,
  rpoSeconds: 0,
  ...over,
})
const good = (ago: number) => ({ startedAt: NOW - ago, consistentAt: NOW - ago + 1000 })
const policy = (over: Policy = DEFAULT_POLICY, changedAt = 0) => ({ policy: over, changedAt })
/** A backup each hour at its beginning. */
const HOURLY: Policy = {
  ...DEFAULT_POLICY,
  schedule: { ...DEFAULT_POLICY.schedule, cron: { expression: '0 * * * *', timeZone: 'UTC' } },
}

suite('what is wrong', () => {
  test('a backup that failed, until a later one did not', () => {
    const last = { id: '7', failed: true, reason: 'no such host', endedAt: NOW }
    const condition = failedBackup(standing({ last }))
    assert.deepEqual([condition?.kind, condition?.subject, condition?.instanceId], ['backup-failed', 'pg-1', 'pg-1'])
    assert.match(condition?.what ?? '', /2026-11-23T12:00:00Z failed: no such host/)
    assert.equal(failedBackup(standing({ last: { ...last, failed: false } })), undefined)
    assert.equal(failedBackup(standing()), undefined)
  })

  test('an RPO that is set counts from the newest good set, and from registration while there is none', () => {
    const rpo = (ago: number) => exceededRpo(standing({ rpoSeconds: 3600, good: good(ago) }), NOW, LATE)
    assert.equal(rpo(HOUR), undefined)
    assert.match(rpo(HOUR + 1001)?.what ?? '', /could lose more than it may.*at most 3600 s old/)
    const without = (createdAt: number) => exceededRpo(standing({ rpoSeconds: 3600, createdAt }), NOW, LATE)
    assert.equal(without(NOW - HOUR), undefined)
    assert.match(without(NOW - HOUR - 1)?.what ?? '', /there is no good set/)
  })

  test('without one, the backup that the schedule asks for next may be late, but not for long', () => {
    const hourly = (ago: number, over: Partial<Standing> = {}) =>
      exceededRpo(standing({ policy: policy(HOURLY), good: good(ago), ...over }), NOW, LATE)
    assert.equal(hourly(30 * 60_000), undefined)
    assert.equal(hourly(3 * HOUR), undefined)
    assert.ok(hourly(3 * HOUR + 60_000))
    assert.ok(hourly(90 * DAY))
    assert.equal(hourly(90 * DAY, { policy: policy(HOURLY, NOW - HOUR) }), undefined, 'asked for only since an hour')
    assert.ok(hourly(0, { good: undefined, createdAt: NOW - 4 * HOUR }))
    assert.equal(hourly(0, { good: undefined, createdAt: NOW - HOUR }), undefined)
  })

  test('an instance that nobody set a limit or a schedule for has none', () => {
    assert.equal(exceededRpo(standing(), NOW, LATE), undefined)
    assert.equal(exceededRpo(standing({ policy: policy(UNTOUCHED_POLICY) }), NOW, LATE), undefined)
  })

  test('a store with less free than it should have', () => {
    assert.equal(nearlyFull({ free: 10, total: 100 }, 10), undefined)
    assert.match(nearlyFull({ free: 9, total: 100 }, 10)?.what ?? '', /9\.0 % of its space free/)
    assert.equal(nearlyFull({ free: 0, total: 100 }, 0), undefined, 'never asked for')
    assert.equal(nearlyFull({ free: 0, total: 0 }, 10), undefined, 'nothing is known of it')
  })

  test('an access key before it ends, and after it until it is gone', () => {
    const key = (expiresAt: number | undefined) => expiringKey({ id: 'HF1', description: 'ci', expiresAt }, NOW, 14)
    assert.equal(key(undefined), undefined)
    assert.equal(key(NOW + 14 * DAY + 1), undefined)
    assert.match(key(NOW + 14 * DAY)?.what ?? '', /access key HF1 \(ci\) ends at 2026-12-07T12:00:00Z/)
    assert.match(key(NOW)?.what ?? '', /has ended at/)
  })

  test('a set whose stored bytes are wrong', () => {
    const condition = damagedSet({ id: '9', instanceId: 'pg-1', damage: 'data: a frame is wrong' })
    assert.deepEqual([condition.kind, condition.subject], ['set-damaged', '9'])
    assert.match(condition.what, /set 9 of pg-1 .*a frame is wrong/)
  })
})
