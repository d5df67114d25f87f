import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { connected, rawExchange, readAll, replyWith, running } from './running.ts'

const HEAD = 'Host: x\r\n'
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])

suite('a limit of the server', () => {
  test('on line and headers answers 431, also while more is still coming, and logs it', async () => {
    await using server = await running()
    for (const size of [5000, 500_000]) {
      const text = await rawExchange(server.port, `GET / HTTP/1.1\r\n${HEAD}X: ${'x'.repeat(size)}\r\n\r\n`)
      assert.equal(statusOf(text), 431)
      assert.match(text, /<Code>RequestHeaderTooLarge<\/Code>/)
    }
    assert.ok(server.logged('over limits.requestLine'))
  })

  test('on the body answers 413 to one that says its size, and to one that does not', async () => {
    await using server = await running()
    const bodies = [
      `Content-Length: 3000\r\n\r\n${'x'.repeat(3000)}`,
      `Transfer-Encoding: chunked\r\n\r\nBB8\r\n${'x'.repeat(3000)}\r\n0\r\n\r\n`,
    ]
    for (const body of bodies) {
      const text = await rawExchange(server.port, `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\n${body}`)
      assert.equal(statusOf(text), 413)
      assert.match(text, /<Code>RequestTooLarge<\/Code>/)
    }
    assert.ok(server.logged('over limits.body'))
  })

  test('on the body refuses before a sender that asks is told to go on', async () => {
    await using server = await running()
    const ask = (length: number) =>
      `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const socket = await connected(server.port)
    const answer = readAll(socket)
    socket.end(ask(3000))
    assert.equal(statusOf(await answer), 413)
    assert.match(await rawExchange(server.port, `${ask(3)}abc`), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
  })

  test('on the body leaves one of exactly its size alone', async () => {
    await using server = await running(async ({ body }) => replyWith(String(body.length)))
    const body = 'x'.repeat(2048)
    const reply = await fetch(server.url, { method: 'POST', body })
    assert.equal(await reply.text(), '2048')
  })

  for (const [what, begin] of Object.entries({
    'says nothing': '',
    'stops in its headers': 'GET / HTTP/1.1\r\nHost:',
    'stops in its body': `POST / HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\nabc`,
  })) {
    test(`on the time of a request answers 408 to one that ${what}`, async () => {
      await using server = await running(undefined, { limits: { headerSeconds: 0.2 } })
      const text = await rawExchange(server.port, begin)
      assert.equal(statusOf(text), 408)
      assert.match(text, /<Code>RequestTimeout<\/Code>/)
      assert.ok(server.logged('over limits.headerSeconds'))
    })
  }

  test('on idle connections closes one that asks nothing more', async () => {
    await using server = await running(undefined, { limits: { idleSeconds: 0.1 } })
    const text = await rawExchange(server.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`)
    assert.equal(statusOf(text), 200)
    assert.match(text, /hello$/)
  })

  test('on connections closes what is over it, and takes new ones when others have gone', async () => {
    await using server = await running(undefined, { limits: { connections: 2 } })
    const open = [await connected(server.port), await connected(server.port)]
    for (const socket of open) {
      socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`)
      await once(socket, 'data')
    }
    assert.equal(await rawExchange(server.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`), '')
    assert.ok(server.logged('over limits.connections'))
    open[0]?.destroy()
    const again = () => rawExchange(server.port, `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)
    await eventually(async () => statusOf(await again()) === 200, 'a new connection is taken')
    open[1]?.destroy()
  })

  test('on stalled readers cuts a download that nobody takes, frees what it holds, and logs it', async () => {
    let ended = false
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(65_536)
      } finally {
        ended = true
      }
    }
    const handle = async () => ({ status: 200, headers: { 'content-length': '1000000000000' }, body: endless() })
    await using server = await running(handle, { limits: { stallSeconds: 0.2 } })
    const socket = await connected(server.port)
    socket.pause()
    socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`)
    await eventually(async () => ended && server.logged('over limits.stallSeconds'), 'the download is cut')
    socket.destroy()
  })

  test('on stalled readers leaves one alone that waits for us', async () => {
    async function* slow() {
      yield Buffer.from('a')
      await new Promise((resolve) => setTimeout(resolve, 500))
      yield Buffer.from('b')
    }
    const handle = async () => ({ status: 200, headers: { 'content-length': '2' }, body: slow() })
    await using server = await running(handle, { limits: { stallSeconds: 0.1 } })
    assert.equal(await (await fetch(server.url)).text(), 'ab')
  })

  test('on stalled readers also holds for a body in memory', async () => {
    const body = Buffer.alloc(50_000_000)
    await using server = await running(async () => ({ status: 200, headers: {}, body }), {
      limits: { stallSeconds: 0.2 },
    })
    const socket = await connected(server.port)
    socket.pause()
    socket.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`)
    await eventually(async () => server.logged('over limits.stallSeconds'), 'the answer is cut')
    socket.destroy()
  })
})
