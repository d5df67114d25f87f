import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lib/clock.ts'
import { createThrottle } from './throttle.ts'

const taken = (throttle: { take(key: string): boolean }, key: string, times: number) =>
  Array.from({ length: times }, () => throttle.take(key)).filter(Boolean).length

test('each key has a burst of its own, which fills again by so many calls a second', () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const throttle = createThrottle({ perSecond: 10, burst: 20 }, clock)
  assert.deepEqual([taken(throttle, 'a', 50), taken(throttle, 'b', 50)], [20, 20])
  clock.advance(500)
  assert.equal(taken(throttle, 'a', 50), 5)
  clock.advance(3_600_000)
  assert.equal(taken(throttle, 'a', 50), 20)
})

test('refused calls cost nothing, so that a client that goes on gets its share', () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const throttle = createThrottle({ perSecond: 2, burst: 1 }, clock)
  let through = 0
  for (let step = 0; step < 100; step++) {
    if (throttle.take('a')) through++
    clock.advance(100)
  }
  assert.equal(through, 20)
})

test('with nothing a second there is no limit', () => {
  assert.equal(
    taken(createThrottle({ perSecond: 0, burst: 1 }, new FakeClock('2026-01-01T00:00:00Z')), 'a', 1000),
    1000,
  )
})
