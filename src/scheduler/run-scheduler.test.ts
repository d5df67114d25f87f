import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { runScheduler } from './run-scheduler.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

function setUp(ensure: () => boolean) {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const stop = new AbortController()
  let [asked, woken] = [0, 0]
  const kinds: string[] = []
  const ensureTask = async ({ kind }: { kind: string }) => {
    kinds.push(kind)
    if (kind !== 'sweep') return false
    asked++
    return ensure()
  }
  const done = runScheduler(
    { catalog: { ensureTask }, clock, log: silentLog, sweepSeconds: 300, retainSeconds: 1000, wake: () => woken++ },
    stop.signal,
  )
  return { clock, stop, done, kinds, counts: () => ({ asked, woken }) }
}

test('a sweep is asked for at the start and then every sweepSeconds, and the workers hear of it', async () => {
  const { clock, stop, done, counts } = setUp(() => true)
  await settle()
  clock.advance(299_000)
  await settle()
  assert.deepEqual(counts(), { asked: 1, woken: 1 })
  clock.advance(1000)
  await settle()
  assert.deepEqual(counts(), { asked: 2, woken: 2 })
  stop.abort()
  await done
})

test('a sweep that has not ended is not asked for twice', async () => {
  const { stop, done, counts } = setUp(() => false)
  await settle()
  assert.deepEqual(counts(), { asked: 1, woken: 0 })
  stop.abort()
  await done
})

test('a catalog that does not answer is asked again later', async () => {
  let answers = 0
  const { clock, stop, done, counts } = setUp(() => {
    if (answers++ === 0) throw new Fault('catalog_unavailable', 'ensure')
    return true
  })
  await settle()
  clock.advance(300_000)
  await settle()
  assert.deepEqual(counts(), { asked: 2, woken: 1 })
  stop.abort()
  await done
})

test('what no policy keeps is looked for at the start and then every retainSeconds', async () => {
  const { clock, stop, done, kinds } = setUp(() => true)
  for (let step = 0; step < 20; step++) {
    await settle()
    clock.advance(100_000)
  }
  await settle()
  assert.equal(kinds.filter((kind) => kind === 'retain').length, 3)
  stop.abort()
  await done
})
