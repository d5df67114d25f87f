import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBackOff, type Load } from './back-off.ts'

const LIMITS = { lagSeconds: 10, commitMs: 100, maxSeconds: 60 }

/** Whether it waits after each of these looks, a second apart. */
function waits(looks: readonly Load[], limits = LIMITS): boolean[] {
  const backOff = createBackOff(limits)
  return looks.map((load, at) => backOff.judge(load, at * 1000) !== undefined)
}

const lag = (...seconds: readonly number[]): Load[] => seconds.map((lagSeconds) => ({ lagSeconds }))
const shown = (flags: readonly boolean[]) => flags.map((flag) => (flag ? 'w' : '.')).join('')

test('it waits from the second look above a limit to the third below half of it', () => {
  assert.equal(shown(waits(lag(0, 11, 12, 13, 8, 8, 8, 5, 5, 5, 5))), '..wwwwwww..')
  assert.equal(shown(waits(lag(11, 9, 11, 9, 11))), '.....', 'one look above is none')
  assert.equal(shown(waits(lag(11, 11, 5, 5, 6, 5, 5, 5))), '.wwwwww.', 'calm must last')
})

test('it says why, and the newest of it', () => {
  const backOff = createBackOff(LIMITS)
  backOff.judge({ commitMs: 150 }, 0)
  assert.equal(backOff.judge({ commitMs: 150 }, 1), 'a commit takes 150 ms, the limit is 100 ms')
  assert.equal(backOff.judge({ lagSeconds: 20 }, 2), 'a replica is 20 s behind, the limit is 10 s')
  assert.equal(backOff.judge({ lagSeconds: 9 }, 3), 'a replica is 20 s behind, the limit is 10 s')
})

test('what cannot be measured, or has no limit, changes nothing', () => {
  assert.equal(shown(waits([{}, {}, {}])), '...')
  assert.equal(shown(waits([...lag(11, 11), {}, {}, {}, {}])), '.wwwww')
  assert.equal(shown(waits(lag(11, 11, 11), { ...LIMITS, lagSeconds: 0 })), '...')
})

test('after its time it waits no more, however busy the database', () => {
  const flags = waits(lag(...Array.from({ length: 200 }, () => 50)))
  assert.equal(flags.filter(Boolean).length, 60)
  assert.equal(flags.at(-1), false)
})

test('whatever comes, it never waits longer than its time, and waits only after a limit was passed', () => {
  const loads = fc.array(
    fc.record({
      lagSeconds: fc.option(fc.nat(30), { nil: undefined }),
      commitMs: fc.option(fc.nat(300), { nil: undefined }),
    }),
    { maxLength: 300 },
  )
  fc.assert(
    fc.property(loads, (looks) => {
      const flags = waits(looks)
      assert.ok(flags.filter(Boolean).length <= 60)
      const first = flags.indexOf(true)
      if (first < 0) return
      const { lagSeconds = 0, commitMs = 0 } = looks[first] ?? {}
      assert.ok(first > 0 && (lagSeconds > 10 || commitMs > 100))
    }),
  )
})
