import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytes, storeContract, whole } from '../../test/contract/store.ts'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { faultyStore, type Mishap } from './faulty.ts'
import { memStore } from './mem.ts'
import { patientStore } from './patient.ts'

const clock = new FakeClock('2026-01-01T00:00:00Z')
const calm = { onTrouble: async () => {}, onTaken: () => {}, onGiven: () => {} }

storeContract('patient(mem)', async () => patientStore(memStore(clock), calm))

/** A patient store over one with these mishaps, and what it met. */
function world(plan: readonly Mishap[], tries = Infinity) {
  const met: string[] = []
  const store = patientStore(faultyStore(memStore(clock), plan), {
    ...calm,
    onTrouble: async (fault) => {
      if (met.push(fault.message) > tries) throw new Fault('cancelled', 'enough')
    },
  })
  return { store, met }
}

const fails = (method: Mishap['method'], ...calls: number[]): Mishap[] =>
  calls.map((call) => ({ method, call, how: 'fail' }))

suite('a patient store', () => {
  test('makes each call again until it works', async () => {
    const methods = (['put', 'get', 'stat', 'list', 'remove'] as const).flatMap((method) => fails(method, 1, 2))
    const { store, met } = world(methods)
    await store.put('k', bytes('a', 'b'))
    assert.equal((await whole(await store.get('k'))).toString(), 'ab')
    assert.equal((await store.stat('k')).size, 2)
    assert.deepEqual(
      (await Array.fromAsync(store.list(''))).map(({ key }) => key),
      ['k'],
    )
    await store.remove('k')
    assert.equal(met.length, 10)
  })

  test('gives a body that was begun only once: the rest of it would be half an object', async () => {
    const { store, met } = world([{ method: 'put', call: 1, how: 'cut', at: 1 }])
    await assert.rejects(store.put('k', bytes('a', 'b')), (error) => Fault.is(error, 'store_unavailable'))
    assert.deepEqual(met, [])
    await assert.rejects(store.stat('k'), (error) => Fault.is(error, 'not_found'))
  })

  test('asks about nothing but a store that is unavailable', async () => {
    const { store, met } = world([{ method: 'stat', call: 1, how: 'fail', fault: 'store_full' }])
    await assert.rejects(store.stat('k'), (error) => Fault.is(error, 'store_full'))
    await assert.rejects(store.stat('k'), (error) => Fault.is(error, 'not_found'))
    assert.deepEqual(met, [])
  })

  test('gives up with the reason of whoever loses patience, and closes the body', async () => {
    const { store } = world(fails('put', 1, 2, 3, 4), 2)
    let closed = false
    const body = async function* () {
      try {
        yield Buffer.from('x')
      } finally {
        closed = true
      }
    }
    await assert.rejects(store.put('k', body()), (error) => Fault.is(error, 'cancelled'))
    assert.equal(closed, false, 'a body that was never begun has nothing to close')
    await assert.rejects(store.stat('k'), (error) => Fault.is(error, 'not_found'))
  })
})
