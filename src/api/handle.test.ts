import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ECHO, echo, formOf, frontDoor, HOST, requestOf, v1, v3 } from '../../test/api/front-door.ts'

const name = fc.oneof(
  fc.constantFrom(
    ...Object.keys(echo.parameters),
    'Action',
    'Format',
    'Version',
    'Timestamp',
    'Node.1.A',
    '__proto__',
    'constructor',
  ),
  fc.string({ unit: 'grapheme' }),
)
const value = fc.oneof(
  fc.constantFrom('', '0', '-1', '1e2', 'true', '[]', '{}', '2026-01-02T03:04Z', 'rm-1', 'x'.repeat(5000)),
  fc.string({ unit: 'grapheme' }),
  fc.json(),
)
const fields = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true })

suite('the front door', () => {
  test('sends links to their handler, and health to its own', async () => {
    const door = await frontDoor()
    assert.equal((await door.ask(requestOf({ target: '/link/1/a?b=c' }))).text, 'a link')
    assert.equal((await door.ask(requestOf({ target: `http://${HOST}/link/1/a` }))).text, 'a link')
    assert.equal((await door.ask(requestOf({ target: '/healthz' }))).status, 200)
    assert.equal((await door.ask(requestOf({ target: '/healthz/live' }))).status, 200)
    assert.equal((await door.ask(requestOf({ target: '/link' }))).status, 404)
  })

  test('counts every answer under a name of a fixed list', async () => {
    const door = await frontDoor()
    for (const target of ['/', '/x', '/?Action=Nonsense', '/link/1/a', '/healthz'])
      await door.ask(requestOf({ target }))
    await door.ask(v1(ECHO))
    const [total] = door.handle.requests.metrics()
    const counted = total?.samples.map(
      ({ labels, value: count }) => `${labels?.['action']} ${labels?.['status']} ${count}`,
    )
    assert.deepEqual(counted, ['none 400 1', 'none 404 2', 'link 403 1', 'healthz 200 1', 'Echo 200 1'])
  })

  test('answers signed calls of any parameters, and never with 5xx', async () => {
    const door = await frontDoor({ limits: { noncesPerKey: 1e6 } })
    const property = fc.asyncProperty(fields, fc.boolean(), fc.boolean(), async (given, post, third) => {
      const method = post ? 'POST' : 'GET'
      const request = third
        ? v3('Echo', given, { method })
        : v1({ ...ECHO, ...given }, { method, inBody: (each) => post && each !== 'Action' })
      const { status, text } = await door.ask(request)
      assert.ok(status < 500, text)
      assert.ok(status !== 400 || !text.includes('SignatureDoesNotMatch'), text)
    })
    await fc.assert(property, { numRuns: 1000 })
  })

  test('answers any request, signed or not, and never with 5xx', async () => {
    const door = await frontDoor()
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('%', 'f', '&', '=', '+', '?', '/', ':', 'é') }),
      fields.map(formOf),
    )
    const headers = fc.dictionary(
      fc.constantFrom(
        'authorization',
        'content-type',
        'content-encoding',
        'host',
        'x-acs-action',
        'x-acs-version',
        'x-acs-date',
        'x-acs-signature-nonce',
        'x-acs-content-sha256',
      ),
      fc.oneof(
        text,
        fc.constantFrom(
          'ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=' + '0'.repeat(64),
          'Echo',
          '2014-08-15',
        ),
      ),
      { noNullPrototype: true },
    )
    const property = fc.asyncProperty(
      fc.record({
        method: fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', ''),
        target: fc.oneof(
          text,
          text.map((query) => `/?${query}`),
        ),
        headers,
        body: fc.oneof(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          text.map((form) => Buffer.from(form)),
        ),
      }),
      async (request) => {
        const { status, text: body } = await door.ask(requestOf(request))
        assert.ok(status < 500, body)
      },
    )
    await fc.assert(property, { numRuns: 1000 })
  })
})
