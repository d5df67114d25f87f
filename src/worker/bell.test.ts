import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../lib/clock.ts'
import { createBell } from './bell.ts'

const never = new AbortController().signal

test('a wait ends when its time is over', async () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const waited = createBell(clock).wait(5000, never)
  clock.advance(5000)
  await waited
})

test('a ring ends the wait at once', async () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const bell = createBell(clock)
  const waited = bell.wait(5000, never)
  bell.ring()
  await waited
  assert.equal(clock.now(), Date.parse('2026-01-01T00:00:00Z'))
})

test('a ring between two waits is not lost, and counts once', async () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const bell = createBell(clock)
  bell.ring()
  await bell.wait(5000, never)
  let over = false
  const second = bell.wait(5000, never).then(() => (over = true))
  await Promise.resolve()
  assert.equal(over, false)
  clock.advance(5000)
  await second
})

test('a wait ends with the reason of its signal', async () => {
  const stop = new AbortController()
  const bell = createBell(new FakeClock('2026-01-01T00:00:00Z'))
  const waited = bell.wait(5000, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(waited, /enough/)
})
