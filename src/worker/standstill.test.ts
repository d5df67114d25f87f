import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { createStandstill } from './standstill.ts'

const REFUSED = new Fault('store_unavailable', 'put k: connection refused', { hint: 'Look.' })

function world(maxMs = 60_000) {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const told: string[] = []
  const abort = new AbortController()
  const pause = { begin: (why: string) => void told.push(why), end: () => void told.push('over') }
  const standstill = createStandstill({ clock, pause, maxMs, signal: abort.signal })
  return { clock, told, abort, standstill }
}

/** Moves time on by seconds, and lets whoever woke do its work. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let done = 0; done < seconds * 4; done++) {
    clock.advance(250)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A piece that is refused until `isUp`; tells how often it was tried. */
function refused(standstill: ReturnType<typeof world>['standstill'], isUp: () => boolean) {
  const state = { tries: 0, failure: undefined as unknown }
  const write = async () => {
    while (!isUp()) {
      state.tries++
      await standstill.onTrouble(REFUSED)
    }
    standstill.onTaken()
  }
  const done = write().catch((error: unknown) => (state.failure = error))
  return { state, done }
}

test('a refused piece is tried again, at first soon and then every quarter of a minute', async () => {
  const { clock, told, standstill } = world(300_000)
  await using _ = standstill
  let up = false
  const { state, done } = refused(standstill, () => up)
  await pass(clock, 8)
  assert.equal(state.tries, 5, 'after 0, 0.5, 1.5, 3.5 and 7.5 s')
  await pass(clock, 112)
  assert.ok(state.tries >= 12 && state.tries <= 14, String(state.tries))
  assert.equal(standstill.waiting, true)
  up = true
  await pass(clock, 16)
  await done
  assert.equal(standstill.waiting, false)
  assert.equal(told.at(-1), 'over')
})

test('the wait ends after its time, with the reason and the hint of the store', async () => {
  const { clock, standstill } = world()
  await using _ = standstill
  const { state, done } = refused(standstill, () => false)
  await pass(clock, 59)
  assert.equal(state.failure, undefined)
  await pass(clock, 2)
  await done
  const failure: unknown = state.failure
  assert.ok(Fault.is(failure, 'store_unavailable'))
  assert.equal(failure.message, 'waited 60 s for the store: put k: connection refused')
  assert.equal(failure.hint, 'Look.')
})

test('each thing that goes well begins the time anew', async () => {
  const { clock, standstill } = world()
  await using _ = standstill
  for (let round = 0; round < 5; round++) {
    let up = false
    const { state, done } = refused(standstill, () => up)
    await pass(clock, 40)
    up = true
    await pass(clock, 16)
    await done
    assert.equal(state.failure, undefined)
  }
})

test('a store that takes a piece and says nothing is waited for after half a minute, and no longer than any other', async () => {
  const { clock, told, standstill } = world()
  await using _ = standstill
  standstill.onGiven()
  await pass(clock, 29)
  assert.deepEqual([told.length, standstill.waiting], [0, false])
  await pass(clock, 3)
  assert.equal(standstill.waiting, true)
  await pass(clock, 30)
  assert.ok(Fault.is(standstill.signal.reason, 'store_unavailable'))
  assert.match(standstill.signal.reason.message, /waited 60 s for the store: it takes nothing/)
})

test('a slow store, and one that was given nothing, is not waited for', async () => {
  const { clock, told, standstill } = world()
  await using _ = standstill
  for (let piece = 0; piece < 10; piece++) {
    standstill.onGiven()
    await pass(clock, 20)
    standstill.onTaken()
  }
  await pass(clock, 600)
  assert.deepEqual(told, [])
})

test('without patience the store’s own fault comes at once', async () => {
  const { standstill } = world(0)
  await using _ = standstill
  await assert.rejects(standstill.onTrouble(REFUSED), REFUSED)
})

test('a task that ends stops the wait at once, with its own reason', async () => {
  const { clock, abort, standstill } = world()
  await using _ = standstill
  const { state, done } = refused(standstill, () => false)
  await pass(clock, 2)
  const reason = new Fault('cancelled', 'task 1 was cancelled')
  abort.abort(reason)
  await done
  assert.equal(state.failure, reason)
})
