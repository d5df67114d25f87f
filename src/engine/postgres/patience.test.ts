import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { suite, test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { FakeClock } from '../../lib/clock.ts'
import type { EngineProgress } from '../engine.ts'
import { unlessStuck, watchStall } from './patience.ts'

const MINUTE = 60_000

/** Moves time on in steps, and lets whoever woke do its work. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 10_000) {
    clock.advance(10_000)
    await turn()
  }
}

const world = (progress: Partial<EngineProgress>, isSlowed = () => false) => {
  const clock = new FakeClock('2026-11-23T07:00:00Z')
  const abort = new AbortController()
  const state = { phase: 'streaming', bytes: 0, totalBytes: 0, ...progress } as const
  let latest: EngineProgress = state
  const set = (change: Partial<EngineProgress>) => (latest = { ...latest, ...change })
  let outcome: unknown
  const end = watchStall(() => latest, { clock, signal: abort.signal, isSlowed }).then(
    () => (outcome = 'ended'),
    (error: unknown) => (outcome = error),
  )
  return { clock, abort, set, outcome: () => outcome, end }
}

suite('a store that takes nothing', () => {
  test('ends the backup after a quarter of an hour', async () => {
    const { clock, outcome } = world({ bytes: 7 })
    await pass(clock, 14 * MINUTE)
    assert.equal(outcome(), undefined)
    await pass(clock, 2 * MINUTE)
    assert.ok(Fault.is(outcome(), 'engine_failed'))
    assert.match((outcome() as Fault).message, /after 7 bytes/)
  })

  test('does not end it while it is kept waiting on purpose, and does a quarter of an hour later', async () => {
    let slowed = true
    const { clock, outcome } = world({ bytes: 7 }, () => slowed)
    await pass(clock, 60 * MINUTE)
    assert.equal(outcome(), undefined)
    slowed = false
    await pass(clock, 16 * MINUTE)
    assert.ok(Fault.is(outcome(), 'engine_failed'))
  })

  test('does not end it while a byte comes now and then', async () => {
    const { clock, outcome, set, abort, end } = world({})
    for (let bytes = 1; bytes < 5; bytes += 1) {
      set({ bytes })
      await pass(clock, 14 * MINUTE)
    }
    assert.equal(outcome(), undefined)
    abort.abort()
    await end
    assert.equal(outcome(), 'ended')
  })

  test('is not blamed for the wait for a checkpoint, nor for what comes after the last byte', async () => {
    for (const phase of ['checkpoint', 'checking', 'writing'] as const) {
      const { clock, outcome, abort, end } = world({ phase })
      await pass(clock, 120 * MINUTE)
      assert.equal(outcome(), undefined)
      abort.abort()
      await end
    }
  })
})

suite('work that is aborted', () => {
  const clock = () => new FakeClock('2026-11-23T07:00:00Z')

  test('gives what it gives when nothing is aborted, and leaves no sleep behind', async () => {
    const its = clock()
    const { signal } = new AbortController()
    assert.equal(await unlessStuck(Promise.resolve(7), { clock: its, signal }), 7)
    await assert.rejects(unlessStuck(Promise.reject(new Error('own')), { clock: its, signal }), /own/)
    assert.equal(its.sleepers, 0)
  })

  test('may end by itself within half a minute, and is given up then', async () => {
    const its = clock()
    const abort = new AbortController()
    const reason = new Fault('cancelled', 'stop')
    const work = Promise.withResolvers<string>()
    const waiting = unlessStuck(work.promise, { clock: its, signal: abort.signal })
    const stuck = unlessStuck(new Promise(() => {}), { clock: its, signal: abort.signal })
    const refused = assert.rejects(stuck, reason)
    abort.abort(reason)
    await turn()
    await pass(its, 20_000)
    work.resolve('cleared up')
    assert.equal(await waiting, 'cleared up')
    await pass(its, 10_000)
    await refused
    assert.equal(its.sleepers, 0)
  })
})
