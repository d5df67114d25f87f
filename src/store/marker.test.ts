import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { bytes, whole } from '../../test/contract/store.ts'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { checkMarker, MARKER } from './marker.ts'
import { memStore } from './mem.ts'
import { openStore } from './open.ts'

const clock = new FakeClock('2026-01-01T00:00:00Z')
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-marker-'))
after(() => rm(scratch, { recursive: true, force: true }))

suite('what a store says of itself', () => {
  test('an empty place becomes a store of our version, and stays one', async () => {
    const store = memStore(clock)
    await checkMarker(store, clock)
    const text = (await whole(await store.get(MARKER))).toString()
    assert.deepEqual(JSON.parse(text), { format: 'holdfast-store', version: 1, createdAt: clock.now() })
    await checkMarker(store, clock)
    assert.equal((await whole(await store.get(MARKER))).toString(), text)
  })

  test('a store of a newer program is refused with both versions and a hint', async () => {
    const store = memStore(clock)
    await store.put(MARKER, bytes('{"format":"holdfast-store","version":2,"createdAt":1}'))
    await assert.rejects(
      checkMarker(store, clock),
      (e) => Fault.is(e, 'too_new') && /version 2.*up to 1/.test(e.message) && /Update/.test(e.hint ?? ''),
    )
  })

  test('an unreadable marker is store_corrupt', async () => {
    for (const text of [
      '',
      '{',
      'null',
      '{"format":"other","version":1}',
      '{"format":"holdfast-store","version":"1"}',
    ]) {
      const store = memStore(clock)
      await store.put(MARKER, bytes(text))
      await assert.rejects(checkMarker(store, clock), (e) => Fault.is(e, 'store_corrupt'), text)
    }
  })

  test('a place that holds something else is left alone', async () => {
    const store = memStore(clock)
    await store.put('photos/1.jpg', bytes('x'))
    await assert.rejects(checkMarker(store, clock), (e) => Fault.is(e, 'invalid') && e.hint !== undefined)
    assert.equal((await Array.fromAsync(store.list(''))).length, 1)
  })

  test('many that open a new store at once all find one store', async () => {
    const url = pathToFileURL(join(scratch, 'at', 'once')).href
    await Promise.all(Array.from({ length: 5 }, () => openStore(url, clock)))
    assert.deepEqual((await readdir(join(scratch, 'at', 'once'))).toSorted(), [MARKER, '~drafts'])
  })

  test('asked not to create, it makes nothing of an absent or empty place', async () => {
    const absent = join(scratch, 'absent')
    await assert.rejects(openStore(pathToFileURL(absent).href, clock, { create: false }))
    assert.ok(!(await readdir(scratch)).includes('absent'))
    await assert.rejects(checkMarker(memStore(clock), clock, { create: false }), (e) => Fault.is(e, 'not_found'))
  })

  test('a URL of another kind is refused', async () => {
    for (const url of ['s3://bucket', '/plain/path', 'file://host/path', '']) {
      await assert.rejects(openStore(url, clock), (e) => Fault.is(e, 'invalid'), url)
    }
  })
})
