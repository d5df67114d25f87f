import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { brokenBytes, bytes, whole } from '../../test/contract/store.ts'
import { emptyStore, manifestOf, PLACE, sampleBytes, writeSet } from '../../test/lib/set.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { formatManifest } from '../core/manifest.ts'
import { crc64 } from '../lib/crc64.ts'
import { faultyStore } from '../store/faulty.ts'
import type { Store } from '../store/store.ts'
import { entombAttempt } from './attempts.ts'
import { attemptPrefix, parseSetKey } from './layout.ts'
import { openSet, readManifest } from './read.ts'
import { verifySet } from './verify.ts'
import { beginSet } from './write.ts'

const is =
  (code: FaultCode, message = /./) =>
  (e: unknown) =>
    Fault.is(e, code) && message.test(e.message)
const keysOf = async (store: Store) => (await Array.fromAsync(store.list(''))).map(({ key }) => key)
const DATA = 'sets/pg-orders/12/7-1/data.tar.zst'

/** Changes one byte of a stored object. */
async function flip(store: Store, key: string, at: number): Promise<void> {
  const data = Buffer.from(await whole(await store.get(key)))
  data[at] = (data[at] ?? 0) ^ 0x10
  await store.put(key, bytes(data))
}

suite('where a set lies', () => {
  test('a key names its instance, set, task and attempt, and is read back so', () => {
    assert.equal(attemptPrefix(PLACE), 'sets/pg-orders/12/7-1/')
    assert.deepEqual(parseSetKey(DATA), { place: PLACE, name: 'data.tar.zst' })
    for (const key of ['sets/a/1/2-0/x', 'sets/a/1/2/x', 'sets/a/b/2-1/x', 'sets/a/1/2-1/x/y', 'other/a/1/2-1/x']) {
      assert.equal(parseSetKey(key), undefined, key)
    }
  })
})

suite('writing a set', () => {
  test('lies in its place: part, extra, manifest', async () => {
    const store = emptyStore()
    const { key } = await writeSet(store)
    assert.equal(key, 'sets/pg-orders/12/7-1/manifest.json')
    assert.deepEqual(
      await keysOf(store),
      ['backup_manifest.zst', 'data.tar.zst', 'manifest.json'].map((n) => attemptPrefix(PLACE) + n),
    )
  })

  test('the manifest says of each object how large it is, what it hashes to, and what it decodes to', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, { data: sampleBytes(5_000_000) })
    const [part] = manifest.parts
    const stored = await whole(await store.get(DATA))
    assert.deepEqual(part, {
      name: 'data',
      key: DATA,
      size: stored.length,
      sha256: createHash('sha256').update(stored).digest('hex'),
      crc64: crc64(stored).toString(),
      encoding: 'zstd',
      plainSize: 5_000_000,
      frames: 5,
    })
  })

  test('bytes stored so far are counted', async () => {
    const writer = beginSet(emptyStore(), PLACE, { level: 1 })
    assert.equal(writer.storedBytes, 0)
    await writer.part('data', bytes(sampleBytes(100_000)))
    assert.equal(writer.storedBytes, writer.parts[0]?.size)
  })

  test('a part whose source breaks off fails, and leaves no object', async () => {
    const store = emptyStore()
    const writer = beginSet(store, PLACE, { level: 1 })
    await assert.rejects(writer.part('data', brokenBytes('x')), { message: 'the source broke off' })
    assert.deepEqual([await keysOf(store), writer.parts], [[], []])
  })

  test('a name that no key can hold, or that is taken, is refused', async () => {
    const writer = beginSet(emptyStore(), PLACE, { level: 1 })
    for (const name of ['', '../data', 'a/b', '.hidden', 'x'.repeat(152)]) {
      await assert.rejects(writer.part(name, bytes('x')), is('invalid'), name)
    }
    await writer.part('data', bytes('x'))
    await assert.rejects(writer.part('data', bytes('x')), is('conflict'))
  })

  test('an attempt with a tombstone never becomes a set, whether it was there before', async () => {
    const store = emptyStore()
    await entombAttempt(store, PLACE, 1)
    await assert.rejects(writeSet(store), is('lease_lost'))
    assert.ok(!(await keysOf(store)).includes(`${attemptPrefix(PLACE)}manifest.json`))
  })

  test('… or came while the manifest was written', async () => {
    const inner = emptyStore()
    const late: Store = {
      ...inner,
      put: async (key, body, options) => {
        if (key.endsWith('manifest.json')) await entombAttempt(inner, PLACE, 1)
        return inner.put(key, body, options)
      },
    }
    await assert.rejects(writeSet(late), is('lease_lost'))
    assert.ok(!(await keysOf(inner)).includes(`${attemptPrefix(PLACE)}manifest.json`))
  })

  test('a manifest of another place is not written', async () => {
    const store = emptyStore()
    const writer = beginSet(store, PLACE, { level: 1 })
    await writer.part('data', bytes('x'))
    await assert.rejects(writer.commit({ ...manifestOf(PLACE, writer), backupId: '13' }), is('store_corrupt'))
    assert.deepEqual(await keysOf(store), [DATA])
  })
})

suite('reading a set', () => {
  test('gives back parts and extras, whole and in ranges', async () => {
    const store = emptyStore()
    const data = sampleBytes(5_000_000)
    const { manifest } = await writeSet(store, { data })
    const reader = openSet(store, manifest)
    assert.ok((await whole(reader.read('data'))).equals(data))
    assert.ok(
      (await whole(reader.read('data', { start: 2_000_000, end: 4_500_001 }))).equals(
        data.subarray(2_000_000, 4_500_001),
      ),
    )
    assert.match((await whole(reader.read('backup_manifest'))).toString(), /PostgreSQL-Backup-Manifest/)
    await assert.rejects(whole(reader.read('none')), is('not_found', /part none of set 12/))
  })

  test('reads its manifest back', async () => {
    const store = emptyStore()
    const { manifest, key } = await writeSet(store)
    assert.deepEqual(await readManifest(store, key), manifest)
    await assert.rejects(readManifest(store, key.replace('12', '13')), is('not_found'))
  })

  test('a manifest that speaks of another place, or of objects elsewhere, is not believed', async () => {
    const store = emptyStore()
    const { manifest, key } = await writeSet(store)
    const [part] = manifest.parts
    assert.ok(part)
    for (const changed of [
      { ...manifest, backupId: '13' },
      { ...manifest, attempt: 2 },
      { ...manifest, parts: [{ ...part, key: 'sets/pg-orders/99/7-1/data.tar.zst' }] },
      { ...manifest, parts: [{ ...part, key: `${attemptPrefix(PLACE)}../../../../etc/passwd` }] },
    ]) {
      await store.put(key, bytes(formatManifest(changed)))
      await assert.rejects(readManifest(store, key), is('store_corrupt', /elsewhere/))
    }
  })

  test('a flipped bit is found on a whole read, named by part and set', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    await flip(store, DATA, 1000)
    await assert.rejects(
      whole(openSet(store, manifest).read('data')),
      is('store_corrupt', /part data of set 12.*frame 0/),
    )
  })

  test('a flipped bit is found by a range that touches its frame, and does not disturb others', async () => {
    const store = emptyStore()
    const data = sampleBytes(5_000_000)
    const { manifest } = await writeSet(store, { data })
    await flip(store, DATA, 1000)
    const reader = openSet(store, manifest)
    await assert.rejects(whole(reader.read('data', { start: 5, end: 6 })), is('store_corrupt', /part data of set 12/))
    assert.ok(
      (await whole(reader.read('data', { start: 3_000_000, end: 3_000_100 }))).equals(
        data.subarray(3_000_000, 3_000_100),
      ),
    )
  })

  test('another object of the same size and lengths is found by its hash', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, { data: Buffer.alloc(1000, 'a') })
    const other = { ...PLACE, setId: '13' }
    await writeSet(store, { data: Buffer.alloc(1000, 'b') }, { place: other })
    await store.put(DATA, await store.get(`${attemptPrefix(other)}data.tar.zst`))
    await assert.rejects(whole(openSet(store, manifest).read('data')), is('store_corrupt', /SHA-256/))
  })

  test('a missing object, and one of another size, is store_corrupt', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    await store.put(DATA, bytes('short'))
    await assert.rejects(whole(openSet(store, manifest).read('data')), is('store_corrupt', /it has 5 bytes/))
    await store.remove(DATA)
    await assert.rejects(whole(openSet(store, manifest).read('data')), is('store_corrupt', /missing/))
  })

  test('a store that does not answer is not called damage', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const cut = faultyStore(store, [{ method: 'get', call: 2, how: 'cut', at: 100_000 }])
    await assert.rejects(whole(openSet(cut, manifest).read('data')), is('store_unavailable'))
  })
})

suite('verifying a set', () => {
  test('a whole set is found right, every stored byte read', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const seen: number[] = []
    const report = await verifySet(store, manifest, { onProgress: (read) => seen.push(read) })
    const total = [...manifest.parts, ...manifest.extras].reduce((sum, { size }) => sum + size, 0)
    assert.deepEqual(report, { ok: true, objects: 2, bytes: total, opened: true, damage: [] })
    assert.equal(seen.at(-1), total)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
  })

  test('a flipped bit at every place of an object is found', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, { data: sampleBytes(300) })
    const size = manifest.parts[0]?.size ?? 0
    for (let at = 0; at < size; at++) {
      await flip(store, DATA, at)
      assert.equal((await verifySet(store, manifest)).ok, false, `byte ${at}`)
      await flip(store, DATA, at)
    }
    assert.ok((await verifySet(store, manifest)).ok)
  })

  test('each damaged object has its line, which names it and says what is wrong', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, {
      one: sampleBytes(1000),
      two: sampleBytes(1000),
      three: sampleBytes(1000),
    })
    await store.remove(`${attemptPrefix(PLACE)}one.tar.zst`)
    await flip(store, `${attemptPrefix(PLACE)}three.tar.zst`, 200)
    await store.put(`${attemptPrefix(PLACE)}backup_manifest.zst`, bytes('x'))
    const { ok, objects, damage } = await verifySet(store, manifest)
    assert.deepEqual([ok, objects, damage.length], [false, 4, 3])
    assert.match(damage[0] ?? '', /^part one \(sets\/.*one\.tar\.zst\): it is missing/)
    assert.match(damage[1] ?? '', /^part three \(.*\): frame 0 does not decode/)
    assert.match(damage[2] ?? '', /^extra backup_manifest \(.*\): it has 1 bytes, the manifest says \d+$/)
  })

  test('a store that does not answer is thrown, and is no report', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const broken = faultyStore(store, [{ method: 'stat', call: 2, how: 'fail' }])
    await assert.rejects(verifySet(broken, manifest), is('store_unavailable'))
  })

  test('a signal stops it', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    await assert.rejects(verifySet(store, manifest, { signal: AbortSignal.abort(new Error('asked to stop')) }), {
      message: 'asked to stop',
    })
  })
})
