import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { renderBackup } from '../../src/api/backup-item.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { fixedService } from '../lib/fixed-service.ts'
import { runCli, type CliRun } from '../lib/run-cli.ts'

/** Time goes by at once where a command waits before it tries again. */
const hurriedClock: Clock = { ...systemClock, sleep: async () => {} }

interface Served {
  readonly content: Buffer
  readonly etag: string
  /** Bytes after which the n-th answer is cut off. */
  readonly cuts: readonly number[]
}

/** Serves one object with ranges, cutting some answers off. */
async function linkServer(served: Served) {
  const asked: { range: string | undefined; ifRange: string | undefined }[] = []
  const serve = (request: IncomingMessage, reply: ServerResponse) => {
    const { content, etag } = served
    const { range, 'if-range': ifRange } = request.headers
    const cut = served.cuts[asked.length]
    asked.push({ range, ifRange: ifRange as string | undefined })
    const start = range && ifRange === etag ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0
    if (start >= content.length) {
      reply.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
      return
    }
    const headers = { etag, 'content-length': content.length - start }
    const place = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
    reply.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...place } : headers)
    if (cut === undefined) reply.end(content.subarray(start))
    else reply.write(content.subarray(start, start + cut), () => setImmediate(() => reply.destroy()))
  }
  const server = createServer(serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/link/5/set.tar.zst?Expires=1`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function world(served: Served) {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-download-'))
  const link = await linkServer(served)
  const moment = Date.parse('2026-01-02T03:04:05Z')
  const item = renderBackup(
    {
      id: '5',
      instanceId: 'pgm-1',
      nodeId: '7',
      status: 'Success',
      type: 'FullBackup',
      mode: 'Manual',
      method: 'Physical',
      startedAt: moment,
      endedAt: moment,
      consistentAt: moment,
      size: served.content.length,
      available: true,
      engine: 'postgres',
      engineVersion: '15.0',
      manifestKey: 'm',
      parentId: undefined,
      reason: undefined,
      held: false,
      verifiedAt: undefined,
    },
    { publicUrl: 'http://h', expiry: () => moment, make: () => ({ url: link.url, expiresAt: moment }) },
  )
  const page = {
    PageNumber: 1,
    PageRecordCount: 1,
    TotalRecordCount: 1,
    TotalEcsSnapshotSize: 0,
    Items: { Backup: [item] },
  }
  const service = await fixedService({ DescribeBackups: page })
  const file = join(directory, 'out.tar.zst')
  return {
    directory,
    file,
    asked: link.asked,
    download: (): Promise<CliRun> =>
      runCli(
        ['backups', 'download', '5', '--instance', 'pgm-1', '-o', file],
        { HOLDFAST_ENDPOINT: service.endpoint, HOLDFAST_ACCESS_KEY_ID: 'i', HOLDFAST_ACCESS_KEY_SECRET: 's' },
        { clock: hurriedClock },
      ),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
}

const CONTENT = randomBytes(3_000_000)

test('a download is written whole under its name, and nothing else is left', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [] })
  const run = await one.download()
  assert.equal(run.code, 0, run.err)
  assert.ok((await readFile(one.file)).equals(CONTENT))
  assert.deepEqual(await readdir(one.directory), ['out.tar.zst'])
})

test('a download that is cut goes on where it stopped', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [1_000_000, 500_000] })
  const run = await one.download()
  assert.equal(run.code, 0, run.err)
  assert.ok((await readFile(one.file)).equals(CONTENT))
  assert.equal(one.asked.length, 3)
  assert.match(one.asked[1]?.range ?? '', /^bytes=\d+-$/)
  assert.equal(one.asked[1]?.ifRange, '"a"')
})

test('a later command goes on where an earlier one stopped', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [] })
  await writeFile(`${one.file}.partial`, CONTENT.subarray(0, 1_234_567))
  await writeFile(`${one.file}.partial.etag`, '"a"')
  const run = await one.download()
  assert.equal(run.code, 0, run.err)
  assert.equal(one.asked[0]?.range, 'bytes=1234567-')
  assert.ok((await readFile(one.file)).equals(CONTENT))
})

test('what was downloaded of another set is thrown away', async () => {
  await using one = await world({ content: CONTENT, etag: '"b"', cuts: [] })
  await writeFile(`${one.file}.partial`, Buffer.alloc(4_000_000))
  await writeFile(`${one.file}.partial.etag`, '"a"')
  const run = await one.download()
  assert.equal(run.code, 0, run.err)
  assert.ok((await readFile(one.file)).equals(CONTENT))
})

test('a download that came whole but was not renamed needs no further byte', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [] })
  await writeFile(`${one.file}.partial`, CONTENT)
  await writeFile(`${one.file}.partial.etag`, '"a"')
  const run = await one.download()
  assert.equal(run.code, 0, run.err)
  assert.ok((await readFile(one.file)).equals(CONTENT))
})

test('a download that brings nothing any more ends with an error, and keeps what it has', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [1_000_000, 0, 0, 0, 0, 0, 0] })
  const run = await one.download()
  assert.equal(run.code, 18)
  assert.ok((await stat(`${one.file}.partial`)).size > 0)
  assert.equal(one.asked.length, 6)
})

test('a file that is there already is left alone', async () => {
  await using one = await world({ content: CONTENT, etag: '"a"', cuts: [] })
  await writeFile(one.file, 'mine')
  assert.equal((await one.download()).code, 5)
  assert.equal(await readFile(one.file, 'utf8'), 'mine')
})
