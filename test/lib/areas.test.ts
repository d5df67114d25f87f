import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAreas, verdict } from './areas.ts'

const good = { file: 'src/a.test.ts', tests: 3, passed: 3, failed: 0, skipped: 0, seconds: 0.25 }

test('a run in which every file had tests and every test passed is good', () => {
  assert.deepEqual(verdict([good]), [])
})

test('a run without files, a file without tests, a skipped and a failed test are each told', () => {
  assert.equal(verdict([]).length, 1)
  assert.match(verdict([{ ...good, tests: 0, passed: 0 }])[0] ?? '', /has no tests.*src\/a\.test\.ts/)
  assert.match(verdict([{ ...good, passed: 2, skipped: 1 }])[0] ?? '', /skipped/)
  assert.match(verdict([{ ...good, passed: 2, failed: 1 }])[0] ?? '', /failed/)
})

test('the table sums up each area and the whole', () => {
  const other = { ...good, file: 'test/e2e/b.test.ts', tests: 10, passed: 10, seconds: 2 }
  const table = formatAreas([good, good, other], (file) => (file.startsWith('src') ? 'unit' : 'e2e'))
  assert.equal(
    table,
    [
      'area  files  tests  passed  failed  skipped  seconds',
      'unit      2      6       6       0        0      0.5',
      'e2e       1     10      10       0        0      2.0',
      'all       3     16      16       0        0      2.5',
    ].join('\n'),
  )
})
