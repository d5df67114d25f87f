import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytes, storeContract, whole } from '../../test/contract/store.ts'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { faultyStore, type Mishap } from './faulty.ts'
import { memStore } from './mem.ts'

const clock = new FakeClock('2026-01-01T00:00:00Z')

storeContract('faulty(mem) with an empty plan', async () => faultyStore(memStore(clock), []))

async function planned(...plan: Mishap[]) {
  const inner = memStore(clock)
  await inner.put('k', bytes('0123', '4567'))
  return { inner, store: faultyStore(inner, plan) }
}

suite('faulty store', () => {
  test('fails the call that the plan names, and no other', async () => {
    const { store } = await planned({ method: 'stat', call: 2, how: 'fail', fault: 'store_full' })
    assert.equal((await store.stat('k')).size, 8)
    await assert.rejects(store.stat('k'), (e) => Fault.is(e, 'store_full'))
    assert.equal((await store.stat('k')).size, 8)
  })

  test('cuts a get after so many bytes', async () => {
    const { store } = await planned({ method: 'get', call: 1, how: 'cut', at: 6 })
    const seen: Uint8Array[] = []
    await assert.rejects(
      async () => {
        for await (const chunk of await store.get('k')) seen.push(chunk)
      },
      (e) => Fault.is(e, 'store_unavailable'),
    )
    assert.equal(Buffer.concat(seen).toString(), '012345')
  })

  test('cuts a get at its very end', async () => {
    const { store } = await planned({ method: 'get', call: 1, how: 'cut', at: 8 })
    await assert.rejects(whole(await store.get('k')), (e) => Fault.is(e, 'store_unavailable'))
  })

  test('a put that is cut leaves the old object', async () => {
    const { store, inner } = await planned({ method: 'put', call: 1, how: 'cut', at: 3 })
    await assert.rejects(store.put('k', bytes('abcdef')), (e) => Fault.is(e, 'store_unavailable'))
    assert.equal((await whole(await inner.get('k'))).toString(), '01234567')
  })

  test('flips one bit on the way, and says nothing', async () => {
    const { store, inner } = await planned(
      { method: 'get', call: 1, how: 'flip', at: 5 },
      { method: 'put', call: 1, how: 'flip', at: 0 },
    )
    assert.equal((await whole(await store.get('k'))).toString(), '01234467')
    await store.put('l', bytes('b'))
    assert.equal((await whole(await inner.get('l'))).toString(), 'c')
  })

  test('cuts a listing', async () => {
    const { store } = await planned({ method: 'list', call: 1, how: 'cut', at: 0 })
    await assert.rejects(Array.fromAsync(store.list('')), (e) => Fault.is(e, 'store_unavailable'))
    assert.equal((await Array.fromAsync(store.list(''))).length, 1)
  })

  test('fails a remove, which then removed nothing', async () => {
    const { store, inner } = await planned({ method: 'remove', call: 1, how: 'fail' })
    await assert.rejects(store.remove('k'))
    assert.equal((await inner.stat('k')).size, 8)
  })
})
