import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatDuration, formatTime } from './units.ts'

test('bytes are told in three figures', () => {
  assert.deepEqual([0, 999, 1000, 1449, 99_949, 99_950, 999_499, 999_500, 2.5e12].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.4 kB',
    '99.9 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '2.5 TB',
  ])
})

test('lengths of time are told in the unit that fits', () => {
  assert.deepEqual([0, 440, 9949, 59_400, 185_000, 7_380_000].map(formatDuration), [
    '0.0 s',
    '0.4 s',
    '9.9 s',
    '59 s',
    '3 min 05 s',
    '2 h 03 min',
  ])
})

test('a time is shown as it is with --utc, and in the local zone with its offset without', () => {
  assert.equal(formatTime('2026-01-02T03:04:05Z', { utc: true }), '2026-01-02T03:04:05Z')
  const local = formatTime('2026-01-02T03:04:05Z', {})
  assert.match(local, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d$/)
  assert.equal(Date.parse(local.replace(' ', 'T').replace(' ', '')), Date.parse('2026-01-02T03:04:05Z'))
})

test('what is no time is shown as it is', () => {
  assert.equal(formatTime('', {}), '')
})
