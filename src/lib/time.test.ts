import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { compactSeconds, isoMillis, isoSeconds, parseIso } from './time.ts'

const YEARS = { min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') }

suite('time', () => {
  test("whole seconds are those of Date's own text, for every moment", () => {
    fc.assert(
      fc.property(fc.integer(YEARS), (moment) => {
        assert.equal(isoSeconds(moment), `${new Date(moment).toISOString().slice(0, 19)}Z`)
      }),
      { numRuns: 2000 },
    )
  })

  test('digits are those of the same text', () => {
    fc.assert(
      fc.property(fc.integer(YEARS), (moment) => {
        assert.equal(compactSeconds(moment), isoSeconds(moment).replaceAll(/[-:TZ]/g, ''))
      }),
    )
  })

  test('reads back what it writes, and refuses days that do not exist', () => {
    fc.assert(fc.property(fc.integer(YEARS), (moment) => assert.equal(parseIso(isoMillis(moment)), moment)))
    for (const text of ['2026-02-30T00:00Z', '2026-01-01T24:00Z', '2026-01-01T00:00', '2026-1-01T00:00Z', '']) {
      assert.equal(parseIso(text), undefined)
    }
  })
})
