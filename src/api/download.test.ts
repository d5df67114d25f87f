import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { emptyStore, sampleBytes, writeSet } from '../../test/lib/set.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { Fault } from '../core/fault.ts'
import { setOfManifest } from '../core/set-of-manifest.ts'
import { crc64 } from '../lib/crc64.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import { openDownload } from '../set/download.ts'
import { downloadName } from '../set/download-name.ts'
import type { Store } from '../store/store.ts'
import { createLinkHandler } from './download.ts'
import { createLinks } from './links.ts'
import type { Reply, Request } from './request.ts'

const SEALER = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))

/** A set in a store, its link, and a way to ask for it. */
async function fixture(options: { limits?: { downloads: number; downloadsPerSet: number } } = {}) {
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const store = emptyStore()
  const { key, manifest } = await writeSet(store, { data: sampleBytes(300_000) })
  const download = await openDownload(store, manifest)
  const whole = await read(await download.read())
  const sets = new Map<string, BackupSet>()
  const holds = new Set<string>()
  const set = setOfManifest(manifest, key, download)
  sets.set(set.id, set)
  const links = createLinks(SEALER, clock, { publicUrl: 'https://backup.example', lifetimeSeconds: 3600 })
  const ask = (store_: Store) =>
    createLinkHandler({
      links,
      store: store_,
      clock,
      log: silentLog,
      catalog: {
        set: async (id) => sets.get(id),
        async holdSet(setId, owner) {
          if (!sets.has(setId)) throw new Fault('not_found', `no set ${setId}`)
          holds.add(`${setId} ${owner}`)
        },
        releaseHold: async (setId, owner) => void holds.delete(`${setId} ${owner}`),
      },
      limits: options.limits ?? { downloads: 64, downloadsPerSet: 16 },
    })
  const handler = ask(store)
  const { url } = links.make({ id: set.id, fileName: downloadName(set) }, 'public')
  const target = url.slice('https://backup.example'.length)
  return {
    clock,
    store,
    sets,
    holds,
    set,
    whole,
    target,
    etag: download.etag,
    handlerOver: ask,
    get: (headers: Record<string, string> = {}, at = target) => handler(request('GET', at, headers)),
    head: (headers: Record<string, string> = {}, at = target) => handler(request('HEAD', at, headers)),
    send: handler,
  }
}

function request(method: string, target: string, headers: Record<string, string> = {}, signal?: AbortSignal): Request {
  return {
    method,
    target,
    headers,
    rawHeaders: [],
    body: Buffer.alloc(0),
    remoteAddress: '127.0.0.1',
    secure: true,
    signal: signal ?? new AbortController().signal,
  }
}

async function read(body: Reply['body']): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body)
  return Buffer.isBuffer(body) ? body : Buffer.concat(await Array.fromAsync(body))
}

/** The elements of an error reply, name and text, in order. Fails when it is not well-formed XML. */
async function elementsOf(reply: Reply): Promise<[string, string][]> {
  const elements: [string, string][] = []
  const parser = new SaxesParser()
  parser.on('opentag', ({ name }) => elements.push([name, '']))
  parser.on('text', (text) => {
    const last = elements.at(-1)
    if (last) last[1] += text.trim()
  })
  parser.write((await read(reply.body)).toString()).close()
  return elements
}

const codeOf = async (reply: Reply) => (await elementsOf(reply)).find(([name]) => name === 'Code')?.[1]

test('a link gives the whole download, with what a client must know of it', async () => {
  const { get, whole, set, etag } = await fixture()
  const reply = await get()
  assert.equal(reply.status, 200)
  assert.ok((await read(reply.body)).equals(whole))
  assert.deepEqual(reply.headers, {
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-transform',
    'content-disposition': `attachment; filename=${downloadName(set)}`,
    'content-length': String(whole.length),
    'content-type': 'application/zstd',
    etag,
    'last-modified': new Date(Math.floor(set.endedAt / 1000) * 1000).toUTCString(),
    'x-oss-hash-crc64ecma': crc64(whole).toString(),
    'x-content-type-options': 'nosniff',
  })
})

test('HEAD gives the status and headers of GET without a body', async () => {
  const { get, head } = await fixture()
  const [got, headed] = [await get(), await head()]
  assert.equal(headed.status, got.status)
  assert.deepEqual(headed.headers, got.headers)
  assert.equal(headed.body, '')
})

test('any range of bytes is that part of the whole', async () => {
  const { get, whole } = await fixture()
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(whole.length - 1), async (a, b) => {
      const [first, last] = a < b ? [a, b] : [b, a]
      const reply = await get({ range: `bytes=${first}-${last}` })
      assert.equal(reply.status, 206)
      assert.equal(reply.headers['content-range'], `bytes ${first}-${last}/${whole.length}`)
      assert.equal(reply.headers['content-length'], String(last - first + 1))
      assert.ok((await read(reply.body)).equals(whole.subarray(first, last + 1)))
    }),
    { numRuns: 30 },
  )
})

test('a range that begins past the end is 416 and says how long the set is', async () => {
  const { get, whole } = await fixture()
  const reply = await get({ range: `bytes=${whole.length}-` })
  assert.equal(reply.status, 416)
  assert.equal(reply.headers['content-range'], `bytes */${whole.length}`)
  assert.equal(await codeOf(reply), 'InvalidRange')
})

test('a range of another version than the one the client has gives the whole', async () => {
  const { get, etag } = await fixture()
  assert.equal((await get({ range: 'bytes=5-', 'if-range': '"other"' })).status, 200)
  assert.equal((await get({ range: 'bytes=5-', 'if-range': etag })).status, 206)
})

test('a client that has the set already is told so', async () => {
  const { get, etag } = await fixture()
  const reply = await get({ 'if-none-match': etag })
  assert.equal(reply.status, 304)
  assert.equal(reply.headers['etag'], etag)
  assert.equal(reply.body, '')
})

test('a precondition that does not hold is 412', async () => {
  const { get } = await fixture()
  assert.equal((await get({ 'if-match': '"other"' })).status, 412)
})

test('an expired link is 403 with exactly the elements of the DescribeBackups page, in its order', async () => {
  const { get, clock, target } = await fixture()
  clock.advance(2 * 3_600_000)
  const reply = await get()
  assert.equal(reply.status, 403)
  assert.equal(reply.headers['content-type'], 'application/xml')
  const elements = await elementsOf(reply)
  assert.deepEqual(
    elements.map(([name]) => name),
    ['Error', 'Code', 'Message', 'Expires', 'ServerTime', 'RequestId', 'HostId'],
  )
  const values = Object.fromEntries(elements)
  assert.equal(values['Code'], 'AccessDenied')
  assert.equal(values['Message'], 'Request has expired.')
  const expires = Number(new URLSearchParams(target.split('?')[1]).get('Expires'))
  assert.equal(values['Expires'], new Date(expires * 1000).toISOString())
  assert.equal(values['ServerTime'], '2026-01-02T05:04:05.000Z')
  assert.match(values['RequestId'] ?? '', /^[0-9A-F]{24}$/)
  assert.equal(values['HostId'], 'backup.example')
  assert.match((await read(reply.body)).toString(), /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<Error>/)
})

test('HEAD of an expired link has the status and headers of GET, and no body', async () => {
  const { get, head, clock } = await fixture()
  clock.advance(2 * 3_600_000)
  const [got, headed] = [await get(), await head()]
  const without = ({ headers }: Reply) => ({ ...headers, 'x-oss-request-id': '' })
  assert.equal(headed.status, 403)
  assert.deepEqual(without(headed), without(got))
  assert.equal(headed.body, '')
})

test('a forged signature is SignatureDoesNotMatch, an incomplete link AccessDenied', async () => {
  const { get, target } = await fixture()
  const forged = await get(
    {},
    target.replace(/Signature=(.)/, (_, first) => `Signature=${first === 'A' ? 'B' : 'A'}`),
  )
  assert.equal(forged.status, 403)
  assert.equal(await codeOf(forged), 'SignatureDoesNotMatch')
  const cut = await get({}, target.split('&')[0])
  assert.equal(cut.status, 403)
  assert.equal(await codeOf(cut), 'AccessDenied')
})

test('the link of a set that was removed is 404 NoSuchKey', async () => {
  const { get, sets, set } = await fixture()
  sets.delete(set.id)
  const reply = await get()
  assert.equal(reply.status, 404)
  assert.equal(await codeOf(reply), 'NoSuchKey')
})

test('a set whose objects are gone from the store is 404 NoSuchKey', async () => {
  const { get, store } = await fixture()
  for await (const { key } of store.list('sets/')) await store.remove(key)
  assert.equal((await get()).status, 404)
})

test('other methods are 405 and told which there are', async () => {
  const { send, target } = await fixture()
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const reply = await send(request(method, target))
    assert.equal(reply.status, 405)
    assert.equal(reply.headers['allow'], 'GET, HEAD')
  }
})

test('a store that does not answer is 503 and worth another try', async () => {
  const { handlerOver, store, target } = await fixture()
  const down: Store = { ...store, get: () => Promise.reject(new Fault('store_unavailable', 'get an object')) }
  const reply = await handlerOver(down)(request('GET', target))
  assert.equal(reply.status, 503)
  assert.ok(Number(reply.headers['retry-after']) > 0)
})

test('more downloads at once than the limit are 503, and a place is free again when one ends', async () => {
  const { get, head } = await fixture({ limits: { downloads: 2, downloadsPerSet: 2 } })
  const [first] = [await get(), await get()]
  const refused = await get()
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers['retry-after']) > 0)
  assert.equal((await head()).status, 200)
  assert.ok(first)
  await read(first.body)
  assert.equal((await get()).status, 200)
})

test('one set has no more downloads at once than its limit', async () => {
  const { get } = await fixture({ limits: { downloads: 10, downloadsPerSet: 1 } })
  assert.equal((await get()).status, 200)
  assert.equal((await get()).status, 503)
})

test('a client that goes away before it reads a byte frees its place', async () => {
  const { send, target, get } = await fixture({ limits: { downloads: 1, downloadsPerSet: 1 } })
  const gone = new AbortController()
  await send(request('GET', target, {}, gone.signal))
  assert.equal((await get()).status, 503)
  gone.abort()
  assert.equal((await get()).status, 200)
})

test('a client that goes away half way frees its place', async () => {
  const { get } = await fixture({ limits: { downloads: 1, downloadsPerSet: 1 } })
  const { body } = await get()
  assert.ok(typeof body !== 'string' && !Buffer.isBuffer(body))
  for await (const _ of body) break
  assert.equal((await get()).status, 200)
})

test('a set is held while it is downloaded, and no longer when its reader has the last byte', async () => {
  const { get, holds, whole } = await fixture()
  const { body } = await get()
  assert.equal(holds.size, 1)
  assert.ok(typeof body !== 'string' && !Buffer.isBuffer(body))
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    assert.equal(holds.size, length < whole.length ? 1 : 0)
  }
  assert.equal(length, whole.length)
})

test('a reader that goes away holds nothing', async () => {
  const { get, send, target, holds } = await fixture()
  const { body } = await get()
  assert.ok(typeof body !== 'string' && !Buffer.isBuffer(body))
  for await (const _ of body) break
  assert.equal(holds.size, 0)
  const gone = new AbortController()
  await send(request('GET', target, {}, gone.signal))
  assert.equal(holds.size, 1)
  gone.abort()
  assert.equal(holds.size, 0)
})

test('a set that is being removed is gone for its link', async () => {
  const { get, sets, set } = await fixture()
  sets.set(set.id, { ...set, removing: true })
  assert.equal((await get()).status, 404)
})

test('HEAD, conditions and refused ranges hold nothing', async () => {
  const { get, head, holds, etag } = await fixture()
  await head()
  await get({ 'if-none-match': etag })
  await get({ range: 'bytes=99999999-' })
  assert.equal(holds.size, 0)
})
