import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { SaxesParser } from 'saxes'
import { readManifest } from '../../src/set/read.ts'
import { popClient } from '../conformance/clients.ts'
import { NODE, startTestService, type TestService } from '../conformance/service.ts'
import { eventually } from '../lib/eventually.ts'

const run = promisify(execFile)
const INSTANCE = 'pgm-links'
/** More than the buffers between two ends of a connection take, so that a reader who waits holds the writer back. */
const CONTENT = Buffer.concat([randomBytes(32_000_000), Buffer.alloc(8_000_000, 'some row of text ')])

let service: TestService
let directory = ''
let stored: Buffer
let url = ''
let setId = ''
before(async () => {
  service = await startTestService({ content: CONTENT, limits: { downloads: 4, downloadsPerSet: 2 } })
  directory = await mkdtemp(join(tmpdir(), 'holdfast-links-'))
  await call('RegisterDBInstance', { Node: [NODE] })
  ;({ id: setId, url } = await backUp())
  stored = await storedBytes(setId)
})
after(async () => {
  await service.close()
  await rm(directory, { recursive: true })
})

const call = (action: string, parameters: object = {}) =>
  popClient(service.url, service.key, 'POST').call(action, { DBInstanceId: INSTANCE, ...parameters })

interface Listed {
  readonly BackupId: string
  readonly DownloadLink: string
  readonly BackupSize: number
}

async function sets(): Promise<readonly Listed[]> {
  return ((await call('DescribeBackups'))['Items'] as { Backup: Listed[] }).Backup
}

async function backUp(): Promise<{ id: string; url: string }> {
  const earlier = (await sets()).length
  await call('CreateBackup')
  await eventually(async () => (await sets()).length > earlier, 'the set is listed')
  const [set] = await sets()
  assert.ok(set)
  return { id: set.BackupId, url: set.DownloadLink }
}

async function storedBytes(id: string): Promise<Buffer> {
  const set = await service.catalog.set(id)
  const manifest = await readManifest(service.store, set?.manifestKey ?? '')
  const key = manifest.parts[0]?.key ?? ''
  return Buffer.concat(await Array.fromAsync(await service.store.get(key)))
}

const file = (name: string) => join(directory, name)
const curl = async (...args: string[]) => (await run('curl', ['-sS', ...args], { maxBuffer: 1e8 })).stdout
const statusOf = (target: string, ...args: string[]) => curl('-o', '/dev/null', '-w', '%{http_code}', ...args, target)

/** Element names and texts of an error, in order; fails when it is not well-formed. */
function elementsOf(xml: string): [string, string][] {
  const elements: [string, string][] = []
  const parser = new SaxesParser()
  parser.on('opentag', ({ name }) => elements.push([name, '']))
  parser.on('text', (text) => {
    const last = elements.at(-1)
    if (last) last[1] += text.trim()
  })
  parser.write(xml).close()
  return elements
}

const codeOf = (xml: string) => elementsOf(xml)[1]?.[1]

test('curl gets the set as it is stored, and DescribeBackups told its size', async () => {
  await curl('-o', file('whole'), url)
  assert.ok((await readFile(file('whole'))).equals(stored))
  assert.equal((await sets())[0]?.BackupSize, stored.length)
})

test('wget gets it under a name that a person can read', async () => {
  await run('wget', ['-q', '--content-disposition', '-P', directory, url])
  const name = (await readdir(directory)).find((entry) => entry.endsWith('.tar.zst'))
  assert.equal(name, new URL(url).pathname.split('/').at(-1))
  assert.match(name ?? '', /^pgm-links_\d{14}_\d+\.tar\.zst$/)
  assert.ok((await readFile(file(name ?? ''))).equals(stored))
})

test('the set unpacks with zstd', async () => {
  await curl('-o', file('set.zst'), url)
  await run('zstd', ['-q', '-d', '-f', file('set.zst'), '-o', file('set')])
  assert.ok((await readFile(file('set'))).length > stored.length)
})

test('curl -C - and wget -c go on where a download was cut', async () => {
  const cut = Math.floor(stored.length / 3)
  await writeFile(file('curl-part'), stored.subarray(0, cut))
  await curl('-C', '-', '-o', file('curl-part'), url)
  assert.ok((await readFile(file('curl-part'))).equals(stored))
  await writeFile(file('wget-part'), stored.subarray(0, cut))
  await run('wget', ['-q', '-c', '-O', file('wget-part'), url])
  assert.ok((await readFile(file('wget-part'))).equals(stored))
})

test('ranges over the wire are the bytes they name', async () => {
  await curl('-r', '5-9', '-o', file('range'), url)
  assert.ok((await readFile(file('range'))).equals(stored.subarray(5, 10)))
  await curl('-r', '-7', '-o', file('range'), url)
  assert.ok((await readFile(file('range'))).equals(stored.subarray(-7)))
  assert.equal(await statusOf(url, '-r', '5-9'), '206')
  assert.equal(await statusOf(url, '-r', `${stored.length}-`), '416')
})

test('HEAD tells length, name and version, and has no body', async () => {
  const head = await curl('-I', url)
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.match(head, new RegExp(`^content-length: ${stored.length}\r$`, 'im'))
  assert.match(head, /^accept-ranges: bytes\r$/im)
  assert.match(head, /^content-disposition: attachment; filename=pgm-links_[^"\r]*\r$/im)
  assert.match(head, /^etag: "[0-9a-f]+"\r$/im)
  assert.match(head, /^last-modified: .* GMT\r$/im)
})

test('a client with the same version is told that nothing changed', async () => {
  const etag = /^etag: (.*)\r$/im.exec(await curl('-I', url))?.[1] ?? ''
  assert.equal(await statusOf(url, '-H', `If-None-Match: ${etag}`), '304')
})

test('forged, altered and truncated links are 403', async () => {
  const last = url.at(-1) === 'A' ? 'B' : 'A'
  assert.equal(codeOf(await curl(url.slice(0, -1) + last)), 'SignatureDoesNotMatch')
  assert.equal(codeOf(await curl(url.replace(`/${setId}/`, `/${Number(setId) + 1}/`))), 'SignatureDoesNotMatch')
  assert.equal(codeOf(await curl(url.replace(/Expires=(\d)/, 'Expires=2'))), 'SignatureDoesNotMatch')
  assert.equal(codeOf(await curl(url.split('&')[0] ?? '')), 'AccessDenied')
  for (const target of [url.slice(0, -1), url.slice(0, -9), url.split('?')[0] ?? '']) {
    assert.equal(await statusOf(target), '403', target)
    assert.equal(await statusOf(target, '-I'), '403', target)
  }
})

test('a POST is 405', async () => assert.equal(await statusOf(url, '-X', 'POST'), '405'))

test('path tricks reach nothing', async () => {
  const query = url.slice(url.indexOf('?'))
  for (const path of [
    '/link/../../../../etc/passwd',
    '/link/%2e%2e/%2e%2e/etc/passwd',
    `/link/${setId}/..%2f..%2fkey`,
    `/link/${setId}//etc/passwd`,
    '/link/',
    '/link/\\..\\key',
    `//link/${setId}/x`,
    `/link/${setId}/%00`,
  ]) {
    const reply = await raw(`GET ${path}${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    assert.match(reply, /^HTTP\/1\.1 (400|403|404) /, path)
    assert.ok(!reply.includes('root:'), path)
  }
})

/** Sends bytes as they are, which clients would tidy up, and gives the answer. */
function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(service.url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(request))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.on('error', reject)
  })
}

test('a set is not deleted under a reader, who may go slowly', async () => {
  const { id, url: link } = await backUp()
  const bytes = await storedBytes(id)
  const reply = await fetch(link)
  const reader = reply.body?.getReader()
  const first = await reader?.read()
  const refused = call('DeleteBackup', { BackupId: id })
  await assert.rejects(
    refused,
    (error: { code?: string }) => error.code === 'OperationDenied.BackupSetDeleteNotSupport',
  )
  const parts = [first?.value ?? new Uint8Array()]
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) parts.push(part.value)
  assert.ok(Buffer.concat(parts).equals(bytes))
  await call('DeleteBackup', { BackupId: id })
  const xml = await curl(link)
  assert.equal(codeOf(xml), 'NoSuchKey')
  assert.equal(await statusOf(link), '404')
  assert.equal(await statusOf(link, '-I'), '404')
})

test('more readers of a set at once than its limit are told to come again', async () => {
  const readers = [await fetch(url), await fetch(url)]
  const third = await fetch(url)
  assert.equal(third.status, 503)
  assert.ok(Number(third.headers.get('retry-after')) > 0)
  assert.equal(codeOf(await third.text()), 'ServiceUnavailable')
  for (const reader of readers) await reader.body?.cancel()
  await eventually(async () => {
    const again = await fetch(url)
    await again.body?.cancel()
    return again.status === 200
  }, 'a place is free')
})

test('a link whose life has ended answers with exactly the XML of the seed page, and HEAD with its status', async () => {
  service.runAhead(2 * 3_600_000)
  const xml = await curl(url)
  assert.deepEqual(
    elementsOf(xml).map(([name]) => name),
    ['Error', 'Code', 'Message', 'Expires', 'ServerTime', 'RequestId', 'HostId'],
  )
  const values = Object.fromEntries(elementsOf(xml))
  assert.equal(values['Code'], 'AccessDenied')
  assert.equal(values['Message'], 'Request has expired.')
  assert.match(values['Expires'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
  assert.match(values['ServerTime'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(values['HostId'], new URL(url).host)
  const head = await curl('-I', url)
  assert.match(head, /^HTTP\/1\.1 403 /)
  assert.match(head, new RegExp(`^content-length: ${Buffer.byteLength(xml)}\r$`, 'im'))
  assert.match(head, /^content-type: application\/xml\r$/im)
  service.runAhead(0)
})

test('a download that has begun goes on when its link ends', async () => {
  const reply = await fetch(url)
  const reader = reply.body?.getReader()
  const parts = [(await reader?.read())?.value ?? new Uint8Array()]
  service.runAhead(2 * 3_600_000)
  assert.equal(await statusOf(url), '403')
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) parts.push(part.value)
  assert.ok(Buffer.concat(parts).equals(stored))
  service.runAhead(0)
})

test('the file that curl cut short is whole after any number of cuts', async () => {
  const target = await open(file('cuts'), 'w')
  let have = 0
  while (have < stored.length) {
    const end = Math.min(stored.length, have + 9_000_000)
    const reply = await fetch(url, { headers: { range: `bytes=${have}-` } })
    assert.equal(reply.status, 206)
    const reader = reply.body?.getReader()
    while (have < end) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done || value === undefined) break
      await target.write(value, 0, value.length, have)
      have += value.length
    }
    await reader?.cancel()
  }
  await target.close()
  assert.ok((await readFile(file('cuts'))).equals(stored))
})
