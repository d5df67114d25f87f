import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../core/fault.ts'
import type { Progress } from '../core/task.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { holdLease } from './lease.ts'

const LEASE = { taskId: '1', attempt: 1, worker: 'w' }
const never = new AbortController().signal

/** A catalog of one task, which answers renewals with `answer`. */
function setUp(answer: () => { cancelAsked: boolean } = () => ({ cancelAsked: false }), leaseMs = 60_000) {
  const clock = new FakeClock('2026-01-01T00:00:00Z')
  const renewals: { at: number; progress: Progress | undefined }[] = []
  const renewTask = async (_lease: unknown, _ms: number, progress?: Progress) => {
    renewals.push({ at: clock.now() - Date.parse('2026-01-01T00:00:00Z'), progress })
    return answer()
  }
  const held = holdLease(LEASE, { catalog: { renewTask }, clock, log: silentLog, leaseMs }, never)
  return { clock, renewals, held }
}

/** Moves time on in steps, letting what waits run between them. */
async function pass(clock: FakeClock, ms: number, step = 500): Promise<void> {
  for (let done = 0; done < ms; done += step) {
    clock.advance(step)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const progress = (bytes: number): Progress => ({ phase: 'streaming', percent: 1, bytes, totalBytes: 100 })

test('a lease is renewed every three seconds, so that a cancel is heard within them', async () => {
  const { clock, renewals, held } = setUp()
  await pass(clock, 60_500)
  assert.equal(renewals.length, 20)
  for (const [index, { at }] of renewals.entries()) assert.equal(at, 3000 * (index + 1))
  await held.stop()
})

test('a short lease is renewed at a third of its length', async () => {
  const { clock, renewals, held } = setUp(undefined, 3000)
  await pass(clock, 10_000, 100)
  assert.equal(renewals.length, 10)
  await held.stop()
})

test('progress reaches the catalog about once a second, the newest only', async () => {
  const { clock, renewals, held } = setUp()
  for (let bytes = 1; bytes <= 50; bytes++) {
    held.report(progress(bytes))
    await pass(clock, 100, 100)
  }
  assert.ok(renewals.length >= 4 && renewals.length <= 5, String(renewals.length))
  assert.ok((renewals[0]?.progress?.bytes ?? 0) >= 9)
  await held.stop()
})

test('a lease that is no longer ours ends the task', async () => {
  const { clock, held } = setUp(() => {
    throw new Fault('lease_lost', 'renew')
  })
  await pass(clock, 21_000)
  assert.ok(Fault.is(held.signal.reason, 'lease_lost'))
  await held.stop()
})

test('a cancel ends the task', async () => {
  const { clock, held } = setUp(() => ({ cancelAsked: true }))
  await pass(clock, 3000)
  assert.ok(Fault.is(held.signal.reason, 'cancelled'))
  await assert.rejects(held.renew(), (error) => Fault.is(error, 'cancelled'))
  await held.stop()
})

test('a catalog that does not answer is asked again until the lease must be over', async () => {
  const { clock, renewals, held } = setUp(() => {
    throw new Fault('catalog_unavailable', 'renew')
  })
  await pass(clock, 59_000)
  assert.equal(held.signal.aborted, false)
  assert.ok(renewals.length > 10)
  await pass(clock, 3000)
  assert.ok(Fault.is(held.signal.reason, 'lease_lost'))
  await held.stop()
})

test('a process that was stopped for longer than its lease asks first, and hears that it lost', async () => {
  const { clock, held } = setUp(() => {
    throw new Fault('lease_lost', 'renew')
  })
  clock.advance(600_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(Fault.is(held.signal.reason, 'lease_lost'))
  await held.stop()
})
