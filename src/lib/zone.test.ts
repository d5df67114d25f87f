import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isTimeZone, momentOfWall, wallOf } from './zone.ts'

const at = (iso: string) => Date.parse(iso)

suite('time zones', () => {
  test('names are those of IANA', () => {
    for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Shanghai']) assert.equal(isTimeZone(zone), true)
    for (const zone of ['', 'Mars/Base', 'Berlin']) assert.equal(isTimeZone(zone), false)
  })

  test('a wall shows what its zone says, in summer and winter, to the millisecond', () => {
    assert.equal(wallOf(at('2026-01-02T03:04:05.678Z'), 'Europe/Berlin'), at('2026-01-02T04:04:05.678Z'))
    assert.equal(wallOf(at('2026-07-02T03:04:05Z'), 'Europe/Berlin'), at('2026-07-02T05:04:05Z'))
    assert.equal(wallOf(at('2028-02-29T23:00:00Z'), 'Asia/Kolkata'), at('2028-03-01T04:30:00Z'))
    assert.equal(wallOf(at('1969-12-31T23:59:59.500Z'), 'UTC'), at('1969-12-31T23:59:59.500Z'))
  })

  test('a wall time is the moment that shows it', () => {
    assert.equal(momentOfWall(at('2026-07-02T05:00:00Z'), 'Europe/Berlin'), at('2026-07-02T03:00:00Z'))
    assert.equal(momentOfWall(at('2026-07-02T05:00:00Z'), 'America/New_York'), at('2026-07-02T09:00:00Z'))
  })

  test('one that comes twice is the first moment, one that is skipped the moment of the skip', () => {
    assert.equal(momentOfWall(at('2026-10-25T02:30:00Z'), 'Europe/Berlin'), at('2026-10-25T00:30:00Z'))
    assert.equal(momentOfWall(at('2026-03-29T02:30:00Z'), 'Europe/Berlin'), at('2026-03-29T01:00:00Z'))
    assert.equal(momentOfWall(at('2026-10-04T02:10:00Z'), 'Australia/Lord_Howe'), at('2026-10-03T15:30:00Z'))
  })
})
