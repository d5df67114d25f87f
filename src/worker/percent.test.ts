import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupPercent } from './percent.ts'

test('the percentage never goes back, and stays below 99 until the commit', () => {
  const percent = backupPercent()
  const seen = [
    percent({ phase: 'checkpoint', bytes: 0, totalBytes: 0 }),
    percent({ phase: 'streaming', bytes: 50, totalBytes: 100 }),
    percent({ phase: 'streaming', bytes: 60, totalBytes: 200 }),
    percent({ phase: 'streaming', bytes: 500, totalBytes: 200 }),
    percent({ phase: 'finishing', bytes: 500, totalBytes: 200 }),
    percent({ phase: 'done', bytes: 500, totalBytes: 500 }),
  ].map((progress) => progress.percent)
  assert.deepEqual(seen, [0, 47, 47, 95, 98, 98])
})
