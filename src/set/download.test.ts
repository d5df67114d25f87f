import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { bytes, whole } from '../../test/contract/store.ts'
import { emptyStore, sampleBytes, writeSet } from '../../test/lib/set.ts'
import { Fault } from '../core/fault.ts'
import type { StoredObject } from '../core/manifest.ts'
import { crc64 } from '../lib/crc64.ts'
import { parseTarHeader, tarPadding } from '../lib/tar.ts'
import { computeTar } from './download-tar.ts'
import { openDownload } from './download.ts'

const LOGICAL = { 'db-orders': sampleBytes(3000), 'db-people': sampleBytes(512), roles: Buffer.from('create role x;') }

/** Names, sizes and contents of the members of a tar. */
function membersOf(tar: Buffer): { name: string; content: Buffer }[] {
  const members: { name: string; content: Buffer }[] = []
  for (let at = 0; ;) {
    const entry = parseTarHeader(tar.subarray(at, at + 512))
    if (!entry) return members
    members.push({ name: entry.name, content: tar.subarray(at + 512, at + 512 + entry.size) })
    at += 512 + entry.size + tarPadding(entry.size)
  }
}

suite('the download of a set of one part', () => {
  test('is that object, under a name that a person can read', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const download = await openDownload(store, manifest)
    const stored = await whole(await store.get(manifest.parts[0]?.key ?? ''))
    assert.deepEqual(
      { name: download.fileName, type: download.contentType, size: download.size },
      { name: 'pg-orders_20260102030405_12.tar.zst', type: 'application/zstd', size: stored.length },
    )
    assert.ok((await whole(await download.read())).equals(stored))
    assert.equal(download.checksum(), crc64(stored).toString())
    assert.ok((await whole(await download.read({ start: 100, end: 1000 }))).equals(stored.subarray(100, 1000)))
  })

  test('is refused when the object is gone or has another size', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const key = manifest.parts[0]?.key ?? ''
    await store.put(key, bytes('x'))
    await assert.rejects(openDownload(store, manifest), (e) => Fault.is(e, 'store_corrupt'))
    await store.remove(key)
    await assert.rejects(openDownload(store, manifest), (e) => Fault.is(e, 'not_found'))
  })
})

suite('the download of a set of several parts', () => {
  test('is one tar of them, as they are stored', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, LOGICAL, { method: 'Logical' })
    const download = await openDownload(store, manifest)
    const tar = await whole(await download.read())
    assert.equal(download.size, tar.length)
    assert.equal(download.checksum(), crc64(tar).toString())
    assert.equal(download.fileName, 'pg-orders_20260102030405_12.tar')
    assert.equal(download.contentType, 'application/x-tar')
    assert.deepEqual(
      membersOf(tar).map(({ name }) => name),
      Object.keys(LOGICAL).map((name) => `pg-orders_20260102030405_12/${name}.tar.zst`),
    )
    for (const [i, { content }] of membersOf(tar).entries()) {
      assert.ok(content.equals(await whole(await store.get(manifest.parts[i]?.key ?? ''))))
    }
    assert.ok(tar.subarray(-1024).every((byte) => byte === 0))
  })

  test('has no checksum when one of its objects was written without', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, LOGICAL, { method: 'Logical' })
    const parts = manifest.parts.map((part, at) => (at === 1 ? { ...part, crc64: undefined } : part))
    assert.equal((await openDownload(store, { ...manifest, parts })).checksum(), undefined)
  })

  test('reads any range without the bytes before it', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store, LOGICAL, { method: 'Logical' })
    const got: string[] = []
    const watched = {
      ...store,
      get: (key: string, options?: { start?: number; end?: number }) => {
        got.push(key)
        return store.get(key, options)
      },
    }
    const download = await openDownload(watched, manifest)
    await whole(await download.read({ start: download.size - 1600, end: download.size }))
    assert.deepEqual(got, [manifest.parts[2]?.key])
  })

  test('any range of a tar of any objects is the same range of the tar', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 1500 }), { minLength: 1, maxLength: 5 }),
      fc.nat(9000),
      fc.nat(9000),
      async (contents, a, b) => {
        const store = emptyStore()
        const objects: StoredObject[] = []
        for (const [i, content] of contents.entries()) {
          const key = `sets/x/1/1-1/part${i}.zst`
          await store.put(key, bytes(content))
          const rest = { sha256: '', encoding: 'zstd', plainSize: 0, frames: 0 } as const
          objects.push({ name: `part${i}`, key, size: content.length, ...rest })
        }
        const tar = computeTar(store, objects, { directory: 'x_1', mtime: 1_767_323_045 })
        const all = await whole(tar.read({ start: 0, end: tar.size }))
        assert.equal(all.length, tar.size)
        assert.deepEqual(
          membersOf(all).map(({ content }) => [...content]),
          contents.map((content) => [...content]),
        )
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        assert.ok((await whole(tar.read({ start, end }))).equals(all.subarray(start, end)))
      },
    )
    await fc.assert(property, { numRuns: 100 })
  })

  test('an object of 8 GiB and more has its true size in the tar', () => {
    const size = 9 * 1024 ** 3 + 1
    const rest = { sha256: '', encoding: 'zstd', plainSize: 0, frames: 0 } as const
    const big = { name: 'a', key: 'sets/x/1/1-1/a.zst', size, ...rest }
    const tar = computeTar(emptyStore(), [big], { directory: 'x_1', mtime: 0 })
    assert.equal(tar.size, 512 + size + tarPadding(size) + 1024)
  })
})

suite('the ETag of a download', () => {
  test('is strong, quoted, the same for the same set, and another for other bytes', async () => {
    const store = emptyStore()
    const { manifest } = await writeSet(store)
    const { etag } = await openDownload(store, manifest)
    assert.match(etag, /^"[0-9a-f]{40}"$/)
    assert.equal((await openDownload(store, { ...manifest, warnings: ['new words'] })).etag, etag)
    const parts = manifest.parts.map((part) => ({ ...part, sha256: '0'.repeat(64) }))
    assert.notEqual((await openDownload(store, { ...manifest, parts })).etag, etag)
  })
})
