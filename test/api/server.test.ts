import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createLinks } from '../../src/api/links.ts'
import { startApi, type ApiDeps } from '../../src/api/server.ts'
import { Fault } from '../../src/core/fault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { MARKER } from '../../src/store/marker.ts'
import { memStore } from '../../src/store/mem.ts'
import { loadConfig } from '../../src/config/load.ts'
import { eventually } from '../lib/eventually.ts'
import { echo, frontDoor, memoryLog } from './front-door.ts'
import { connected, rawExchange, readAll, replyWith, running } from './running.ts'

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n'

suite('the server', () => {
  test('gives requests as they came, and sends replies of every kind', async () => {
    const parts = { text: 'päge', buffer: Buffer.from('päge'), pieces: [Buffer.from('pä'), Buffer.from('ge')] }
    const handle = async ({
      method,
      target,
      body,
      headers,
      remoteAddress,
      secure,
    }: Parameters<Parameters<typeof running>[0] & object>[0]) => {
      const seen = { method, target, body: String(body), extra: headers['x-extra'], remoteAddress, secure }
      const reply = parts[target.slice(1) as keyof typeof parts] ?? JSON.stringify(seen)
      return { status: 200, headers: { 'content-length': String(lengthOf(reply)) }, body: reply }
    }
    await using server = await running(handle)
    for (const kind of Object.keys(parts)) assert.equal(await (await fetch(`${server.url}/${kind}`)).text(), 'päge')
    const reply = await fetch(`${server.url}/p?q=%20`, { method: 'POST', body: 'b', headers: { 'X-Extra': 'e' } })
    assert.deepEqual(await reply.json(), {
      method: 'POST',
      target: '/p?q=%20',
      body: 'b',
      extra: 'e',
      remoteAddress: '127.0.0.1',
      secure: false,
    })
  })

  test('answers HEAD with the status and headers of GET and no body', async () => {
    const headers = { 'content-length': '4', 'x-one': '1' }
    await using server = await running(async () => ({ status: 203, headers, body: 'text' }))
    const reply = await fetch(server.url, { method: 'HEAD' })
    assert.deepEqual([reply.status, reply.headers.get('content-length'), reply.headers.get('x-one')], [203, '4', '1'])
    assert.equal(await reply.text(), '')
  })

  test('believes a trusted proxy on who asks', async () => {
    const handle = async ({ remoteAddress, secure }: { remoteAddress: string; secure: boolean }) => ({
      status: 200,
      headers: {},
      body: `${remoteAddress} ${secure}`,
    })
    await using server = await running(handle, { settings: { trustedProxies: ['127.0.0.0/8'] } })
    const headers = { 'X-Forwarded-For': '6.6.6.6, 198.51.100.7', 'X-Forwarded-Proto': 'https' }
    assert.equal(await (await fetch(server.url, { headers })).text(), '198.51.100.7 true')
  })

  test('aborts the signal of a request whose client goes away', async () => {
    let gone = false
    const handle = async ({ signal }: { signal: AbortSignal }) => {
      await once(signal, 'abort')
      gone = true
      return { status: 200, headers: {}, body: '' }
    }
    await using server = await running(handle)
    const socket = await connected(server.port)
    socket.write(`${GET}\r\n`)
    setTimeout(() => socket.destroy(), 20)
    await eventually(async () => gone, 'the signal aborts')
  })

  test('breaks a reply off when its bytes fail, so that its reader sees that it is not whole', async () => {
    async function* failing() {
      yield Buffer.from('abc')
      throw new Error('bad disk')
    }
    await using server = await running(async () => ({
      status: 200,
      headers: { 'content-length': '10' },
      body: failing(),
    }))
    await assert.rejects(async () => (await fetch(server.url)).text())
    assert.ok(server.logged('reply broken off'))
  })

  test('answers requests that were sent together in their order', async () => {
    await using server = await running(async ({ target }) => replyWith(target))
    const text = await rawExchange(
      server.port,
      `GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    assert.match(text, /\/1HTTP\/1\.1 200.*\/2$/s)
  })

  test('is not closed before what runs has come to its end, and takes nothing new meanwhile', async () => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const server = await running(async () => {
      await finished
      return { status: 200, headers: { 'content-length': '4' }, body: 'done' }
    })
    const socket = await connected(server.port)
    const answer = readAll(socket)
    socket.write(`${GET}\r\n`)
    const idle = await connected(server.port)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const begun = Date.now()
    const closed = server.close()
    await assert.rejects(fetch(server.url))
    finish()
    assert.match(await answer, /connection: close.*done$/is)
    await closed
    assert.ok(Date.now() - begun < 5000)
    idle.destroy()
  })

  test('survives any bytes at its port: it answers or closes, and goes on', async () => {
    const door = await frontDoor()
    await using server = await running(door.handle, { limits: { headerSeconds: 1 } })
    const line = fc.constantFrom(
      'GET / HTTP/1.1',
      'POST /?a=%ff HTTP/1.1',
      'GET ?a=b HTTP/1.1',
      'GET / HTTP/9.9',
      'CONNECT x:1 HTTP/1.1',
      'PRI * HTTP/2.0',
      'GET / HTTP/1.0',
      'OPTIONS * HTTP/1.1',
    )
    const header = fc.constantFrom(
      'Host: x',
      'Content-Length: 3',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Expect: x',
      'X: \0',
      ': a',
      'Host: y',
    )
    const shaped = fc
      .tuple(line, fc.array(header, { maxLength: 5 }), fc.string())
      .map(([first, headers, body]) => Buffer.from(`${first}\r\n${headers.join('\r\n')}\r\n\r\n${body}`))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw)),
      shaped,
    )
    const property = fc.asyncProperty(bytes, async (sent) => {
      const socket = await connected(server.port)
      const answer = readAll(socket)
      socket.end(sent)
      assert.doesNotMatch(await answer, /^HTTP\/1\.1 5/m)
    })
    await fc.assert(property, { numRuns: 300 })
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  })
})

suite('the API', () => {
  const deps = async (flags: Record<string, string>): Promise<ApiDeps> => {
    const { catalog } = await frontDoor()
    const store = memStore(systemClock)
    await store.put(MARKER, Readable.from([Buffer.from('{}')]))
    return {
      config: loadConfig({ env: {}, flags: { 'api.port': '0', 'metrics.port': '0', ...flags } }),
      actions: [echo],
      catalog,
      store,
      sealer: createSealer([Buffer.alloc(32)], (message) => new Error(message)),
      clock: systemClock,
      log: memoryLog().log,
      engineOf: () => {
        throw new Error('no engine here')
      },
      wake: () => {},
    }
  }

  test('serves health on its port, and metrics on a port of its own and nowhere else', async () => {
    const api = await startApi(await deps({}))
    assert.equal(api.url, `http://127.0.0.1:${api.port}`)
    assert.equal((await fetch(`${api.url}/healthz`)).status, 200)
    const metrics = await fetch(api.metricsUrl ?? '')
    assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    assert.match(await metrics.text(), /^holdfast_api_requests_total\{action="healthz",status="200"\} 1$/m)
    assert.equal((await fetch(`${api.url}/metrics`)).status, 404)
    await api.close()
    await assert.rejects(fetch(`${api.url}/healthz`))
    await assert.rejects(fetch(api.metricsUrl ?? ''))
  })

  test('makes its links and its HostId from publicUrl, whatever Host a request has', async () => {
    const api = await startApi(
      await deps({ 'api.publicUrl': 'https://backup.example.com', 'metrics.enabled': 'false' }),
    )
    assert.equal(api.url, 'https://backup.example.com')
    assert.equal(api.metricsUrl, undefined)
    const text = await (await fetch(`http://127.0.0.1:${api.port}/`)).text()
    assert.match(text, /<HostId>backup\.example\.com<\/HostId>/)
    await api.close()
  })

  test('answers a link of its own that has ended with 403', async () => {
    const parts = await deps({})
    const api = await startApi(parts)
    const old = { ...systemClock, now: () => Date.now() - 86_400_000 }
    const links = createLinks(parts.sealer, old, { publicUrl: api.url, lifetimeSeconds: 60 })
    const reply = await fetch(links.make({ id: '1', fileName: 'a.tar' }, 'public').url)
    assert.equal(reply.status, 403)
    assert.match(await reply.text(), /Request has expired\./)
    await api.close()
  })

  test('does not listen beyond loopback without TLS unless that is asked for', async () => {
    const parts = await deps({})
    const beyond = { ...parts.config, api: { ...parts.config.api, host: '0.0.0.0' } }
    await assert.rejects(
      startApi({ ...parts, config: beyond }),
      (error) => Fault.is(error, 'invalid') && /allowPlaintext/.test(error.hint ?? ''),
    )
    const asked = { ...beyond, api: { ...beyond.api, allowPlaintext: true } }
    const api = await startApi({ ...parts, config: asked })
    assert.equal((await fetch(`http://127.0.0.1:${api.port}/healthz/live`)).status, 200)
    await api.close()
  })

  test('that finds a port taken says which, and leaves nothing open', async () => {
    await using taken = await running()
    const port = String(taken.port)
    for (const flag of ['api.port', 'metrics.port']) {
      await assert.rejects(
        startApi(await deps({ [flag]: port })),
        (error) => Fault.is(error, 'conflict') && error.message.includes(port),
      )
    }
  })
})

const lengthOf = (body: string | Buffer | readonly Buffer[]) =>
  Array.isArray(body) ? Buffer.concat(body).length : Buffer.byteLength(body as string | Buffer)
