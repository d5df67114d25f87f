import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytes } from '../../test/contract/store.ts'
import { emptyStore, manifestOf, PLACE, sampleBytes, writeSet } from '../../test/lib/set.ts'
import { Fault } from '../core/fault.ts'
import { formatManifest } from '../core/manifest.ts'
import { FakeClock } from '../lib/clock.ts'
import { faultyStore } from '../store/faulty.ts'
import { memStore } from '../store/mem.ts'
import type { Store } from '../store/store.ts'
import { entombAttempt, findManifest, listAttempts, removeAttempt } from './attempts.ts'
import { attemptPrefix } from './layout.ts'
import { listManifests } from './list.ts'
import { removeSet } from './remove.ts'
import type { AttemptPlace } from './set.ts'
import { beginSet } from './write.ts'

const at = (attempt: number, setId = '12'): AttemptPlace => ({ ...PLACE, attempt, setId })
const keysOf = async (store: Store) => (await Array.fromAsync(store.list(''))).map(({ key }) => key)
const small = { data: sampleBytes(100) }

/** Parts of an attempt that never came to its manifest. */
async function writeHalf(store: Store, place: AttemptPlace): Promise<void> {
  await beginSet(store, place, { level: 1 }).part('data', bytes('half'))
}

suite('finding what an earlier attempt finished', () => {
  test('gives the set of an earlier attempt of the task, the latest one', async () => {
    const store = emptyStore()
    await writeSet(store, small, { place: at(2) })
    const { manifest, key } = await writeSet(store, small, { place: at(10) })
    await writeHalf(store, at(11))
    assert.deepEqual(await findManifest(store, at(12)), { key, manifest })
    assert.equal((await findManifest(store, at(9)))?.manifest.attempt, 2)
    assert.equal(await findManifest(store, at(1)), undefined)
  })

  test('finds nothing of another task or set', async () => {
    const store = emptyStore()
    await writeSet(store, small, { place: { ...PLACE, taskId: '70' } })
    await writeSet(store, small, { place: at(1, '13') })
    assert.equal(await findManifest(store, at(2)), undefined)
  })

  test('passes over a tombstoned attempt', async () => {
    const store = emptyStore()
    await writeSet(store, small)
    await entombAttempt(store, PLACE, 1)
    assert.equal(await findManifest(store, at(2)), undefined)
  })

  test('passes over a set whose object is missing, short or named by an unreadable manifest', async () => {
    const store = emptyStore()
    const { key, manifest } = await writeSet(store, small)
    const data = manifest.parts[0]?.key ?? ''
    await store.put(data, bytes('short'))
    assert.equal(await findManifest(store, PLACE), undefined)
    await store.remove(data)
    assert.equal(await findManifest(store, PLACE), undefined)
    await writeHalf(store, PLACE)
    await store.put(key, bytes('{'))
    assert.equal(await findManifest(store, PLACE), undefined)
  })

  test('a store that does not answer is thrown: the attempt may well be there', async () => {
    const inner = emptyStore()
    await writeSet(inner, small)
    for (const method of ['list', 'get', 'stat'] as const) {
      const store = faultyStore(inner, [{ method, call: 1, how: 'fail' }])
      await assert.rejects(findManifest(store, PLACE), (e) => Fault.is(e, 'store_unavailable'), method)
    }
  })
})

suite('attempts in a store', () => {
  test('are listed with what the sweep needs to know', async () => {
    const clock = new FakeClock('2026-01-01T00:00:00Z')
    const store = memStore(clock)
    const begun = clock.now()
    await writeSet(store, small)
    clock.advance(1000)
    await writeHalf(store, at(2))
    clock.advance(1000)
    await entombAttempt(store, at(2), 1234)
    await store.put('sets/readme', bytes('x'))
    assert.deepEqual(await Array.fromAsync(listAttempts(store)), [
      { place: at(1), hasManifest: true, tombstonedAt: undefined, newestAt: begun },
      { place: at(2), hasManifest: false, tombstonedAt: 1234, newestAt: begun + 2000 },
    ])
  })

  test('a second tombstone does not move the moment of the first', async () => {
    const store = emptyStore()
    await entombAttempt(store, PLACE, 1000)
    await entombAttempt(store, PLACE, 9000)
    assert.equal((await Array.fromAsync(listAttempts(store)))[0]?.tombstonedAt, 1000)
  })

  test('an unreadable tombstone counts from when the store took it', async () => {
    const store = emptyStore()
    await store.put(`${attemptPrefix(PLACE)}tombstone`, bytes('?'))
    assert.equal((await Array.fromAsync(listAttempts(store)))[0]?.tombstonedAt, Date.UTC(2026, 0, 2, 3, 4, 5))
  })

  test('a removed attempt leaves nothing, and nothing else is removed', async () => {
    const store = emptyStore()
    await writeSet(store, small)
    await writeSet(store, small, { place: at(10) })
    await entombAttempt(store, PLACE, 1)
    await removeAttempt(store, PLACE)
    assert.ok((await keysOf(store)).every((key) => key.startsWith(attemptPrefix(at(10)))))
    assert.equal((await keysOf(store)).length, 3)
  })

  test('a removal that is cut short at any step leaves no set, keeps the tombstone, and can be taken up again', async () => {
    for (let call = 1; call <= 4; call++) {
      const store = emptyStore()
      await writeSet(store, small)
      await entombAttempt(store, PLACE, 1)
      const failing = faultyStore(store, [{ method: 'remove', call, how: 'fail' }])
      await assert.rejects(removeAttempt(failing, PLACE))
      assert.deepEqual(await Array.fromAsync(listManifests(store)), [])
      assert.ok((await keysOf(store)).includes(`${attemptPrefix(PLACE)}tombstone`))
      await removeAttempt(store, PLACE)
      assert.deepEqual(await keysOf(store), [])
    }
  })
})

suite('removing a set', () => {
  test('removes its manifest first, then all its bytes', async () => {
    const inner = emptyStore()
    const removed: string[] = []
    const store: Store = { ...inner, remove: (key) => (removed.push(key), inner.remove(key)) }
    const { key } = await writeSet(store, small)
    await removeSet(store, key)
    assert.equal(removed[0], key)
    assert.deepEqual(await keysOf(store), [])
    await removeSet(store, key)
  })

  test('takes only the key of a manifest', async () => {
    for (const key of [
      '',
      'holdfast-store.json',
      'sets/',
      'sets/a/1/1-1/data.tar.zst',
      'sets/../1/1-1/manifest.json/x',
    ]) {
      await assert.rejects(removeSet(emptyStore(), key), (e) => Fault.is(e, 'invalid'), key)
    }
  })
})

suite('listing the sets of a store', () => {
  test('gives every set, in key order, and no half or entombed one', async () => {
    const store = emptyStore()
    const first = await writeSet(store, small)
    await writeHalf(store, at(2, '13'))
    await writeSet(store, small, { place: at(1, '14') })
    await entombAttempt(store, at(1, '14'), 1)
    const last = await writeSet(store, small, { place: { ...PLACE, instanceId: 'zz' } })
    assert.deepEqual(await Array.fromAsync(listManifests(store)), [first, last])
  })

  test('a manifest that cannot be read, is newer, or misses an object comes with its fault, and the rest is listed', async () => {
    const store = emptyStore()
    const broken = await writeSet(store, small, { place: at(1, '1') })
    const newer = await writeSet(store, small, { place: at(1, '2') })
    const missing = await writeSet(store, small, { place: at(1, '3') })
    const good = await writeSet(store, small, { place: at(1, '4') })
    await store.put(broken.key, bytes('no JSON'))
    await store.put(newer.key, bytes(formatManifest(newer.manifest).replace('"version": 1', '"version": 3')))
    await store.remove(missing.manifest.parts[0]?.key ?? '')
    const found = await Array.fromAsync(listManifests(store))
    assert.deepEqual(
      found.map(({ key, fault }) => [key, fault?.code]),
      [
        [broken.key, 'store_corrupt'],
        [newer.key, 'too_new'],
        [missing.key, 'store_corrupt'],
        [good.key, undefined],
      ],
    )
    assert.match(found[2]?.fault?.message ?? '', /part data .* is missing/)
  })

  test('a store that does not answer is thrown', async () => {
    const store = emptyStore()
    await writeSet(store, small)
    const broken = faultyStore(store, [{ method: 'get', call: 1, how: 'fail' }])
    await assert.rejects(Array.fromAsync(listManifests(broken)), (e) => Fault.is(e, 'store_unavailable'))
  })

  test('the manifest of a set lists nothing that is not there', async () => {
    const store = emptyStore()
    const writer = beginSet(store, PLACE, { level: 1 })
    await writer.part('data', bytes('x'))
    await writer.commit(manifestOf(PLACE, writer))
    const keys = new Set(await keysOf(store))
    for await (const { manifest } of listManifests(store)) {
      assert.ok(manifest?.parts.every((part) => keys.has(part.key)))
    }
  })
})
