import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from './clock.ts'
import { createPace } from './pace.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))
const START = '2026-01-01T00:00:00Z'

/** Moves time on in small steps, letting what waits run between them. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let done = 0; done < ms; done += 25) {
    clock.advance(25)
    await settle()
  }
}

/** Sends pieces through a pace as fast as it lets them; tells the bytes that passed by now. */
function flow(pieces: readonly number[], clock = new FakeClock(START)) {
  const pace = createPace(clock)
  const passed: { at: number; bytes: number }[] = []
  const abort = new AbortController()
  const send = async () => {
    for (const bytes of pieces) {
      await pace.take(bytes, abort.signal)
      passed.push({ at: clock.monotonic(), bytes })
    }
  }
  const since = (from: number, to = Infinity) =>
    passed.reduce((sum, { at, bytes }) => sum + (at > from && at <= to ? bytes : 0), 0)
  return { clock, pace, passed, since, abort, send }
}

test('without a rate everything passes at once', async () => {
  const { send, passed } = flow([1e9, 1e9])
  await send()
  assert.equal(passed.length, 2)
})

test('over any time no more flows than the rate, a quarter of a second and a piece; and no less than the rate', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 200, maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 20_000, max: 200_000 }), pieces, async (rate, sizes) => {
      const { clock, pace, passed, since, send, abort } = flow(sizes)
      pace.setRate(rate)
      const sent = send().catch(() => {})
      const start = clock.monotonic()
      await pass(clock, 6000)
      const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
      for (const from of [start - 1, start + 700, start + 2500]) {
        for (const seconds of [0.5, 1, 3]) {
          const most = rate * seconds + rate * 0.25 + 40_000
          const bytes = since(from, from + seconds * 1000)
          assert.ok(bytes <= most, `${bytes} in ${seconds} s at ${rate}`)
        }
      }
      if (passed.length < sizes.length) assert.ok(since(0) >= Math.min(total, rate * 5.9), `${since(0)} at ${rate}`)
      abort.abort(new Error('over'))
      clock.advance(1e9)
      await sent
    }),
    { numRuns: 20 },
  )
})

test('another rate holds at once, also for whoever waits', async () => {
  const { clock, pace, since, send, abort } = flow(Array.from({ length: 4000 }, () => 1000))
  pace.setRate(1000)
  const sent = send().catch(() => {})
  await pass(clock, 5000)
  const slow = since(0)
  assert.ok(slow >= 4000 && slow <= 7000, `${slow}`)
  pace.setRate(100_000)
  const changed = clock.monotonic()
  await pass(clock, 2000)
  assert.ok(since(changed) >= 150_000 && since(changed) <= 230_000, `${since(changed)}`)
  pace.setRate(1000)
  const again = clock.monotonic()
  await pass(clock, 3000)
  assert.ok(since(again) <= 5000, `${since(again)}`)
  abort.abort(new Error('over'))
  await sent
})

test('a hold stops the flow until it is lifted, and says that somebody waits', async () => {
  const { clock, pace, passed, send } = flow([1, 1, 1])
  pace.hold('a')
  pace.hold('b')
  const sent = send()
  await pass(clock, 60_000)
  assert.deepEqual([passed.length, pace.waiting], [0, true])
  pace.lift('a')
  await pass(clock, 1000)
  assert.equal(passed.length, 0)
  pace.lift('b')
  await pass(clock, 1000)
  await sent
  assert.deepEqual([passed.length, pace.waiting], [3, false])
})

test('who waits leaves at once when told to, and the next has the turn', async () => {
  const { clock, pace, abort, send } = flow([1, 1])
  pace.hold('a')
  const gone = assert.rejects(send(), /enough/)
  const next = pace.take(5)
  abort.abort(new Error('enough'))
  await gone
  pace.lift('a')
  await pass(clock, 500)
  await next
})
