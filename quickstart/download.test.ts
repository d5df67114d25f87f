import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { downloadInTwo } from './download.ts'

const bytes = randomBytes(3_000_001)

/** What `use` gets: the URL of a server that answers so, and a file to write to. */
async function withServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  use: (url: string, file: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-download-'))
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, join(directory, 'x'))
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true })
  }
}

test('a download that is cut half way is taken up where it ended, and is whole', async () => {
  const asked: (string | undefined)[] = []
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { range } = request.headers
    asked.push(range)
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const headers = { 'content-length': bytes.length - start, etag: '"a"' }
    const partial = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(range ? 206 : 200, range ? { ...headers, ...partial } : headers).end(bytes.subarray(start))
  }
  await withServer(answer, async (url, file) => {
    const done = await downloadInTwo(url, file, () => {})
    assert.deepEqual(asked, [undefined, 'bytes=1500000-'])
    assert.equal(done.bytes, bytes.length)
    assert.equal(done.sha256, createHash('sha256').update(bytes).digest('hex'))
    assert.ok((await readFile(file)).equals(bytes))
  })
})

test('a server that starts over instead of resuming is refused', async () => {
  const answer = (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
  }
  await withServer(answer, async (url, file) => {
    await assert.rejects(
      downloadInTwo(url, file, () => {}),
      /200 instead of 206/,
    )
  })
})
