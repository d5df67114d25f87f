import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import {
  ECHO,
  echo,
  frontDoor,
  HOST,
  KEY,
  MINUTE,
  NOW,
  plain,
  requestOf,
  signed,
  v1,
  v3,
  without,
  signingKeyOf,
} from '../../test/api/front-door.ts'
import type { Once } from '../catalog/catalog.ts'
import type { AuditEntry } from '../core/audit.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { defineAction } from './action.ts'
import type { Request } from './request.ts'

suite('a replay', () => {
  test('of a good call is refused, also within the same second', async () => {
    const door = await frontDoor()
    const request = v1(ECHO)
    assert.equal((await door.ask(request)).status, 200)
    assert.equal((await door.ask(request)).fields['Code'], 'SignatureNonceUsed')
  })

  test('with another timestamp and a new signature is refused, too', async () => {
    const door = await frontDoor()
    await door.ask(v1({ ...ECHO, SignatureNonce: 'n' }))
    const later = v1({ ...ECHO, SignatureNonce: 'n' }, { now: Date.parse(NOW) + MINUTE })
    assert.equal((await door.ask(later)).fields['Code'], 'SignatureNonceUsed')
  })

  test('of a forged call does not spend the nonce of the true one', async () => {
    const door = await frontDoor()
    const fields = { ...ECHO, SignatureNonce: 'n' }
    await door.ask(v1(fields, { secret: 'guess' }))
    assert.equal((await door.ask(v1(fields))).status, 200)
  })

  test('a key that spends too many nonces is throttled, with a line in the log', async () => {
    const door = await frontDoor({ limits: { noncesPerKey: 2 } })
    for (const expected of [undefined, undefined, 'Throttling.User']) {
      assert.equal((await door.ask(v1(ECHO))).fields['Code'], expected)
    }
    assert.ok(door.lines.some(({ msg }) => String(msg).startsWith('over limits.noncesPerKey')))
  })

  test('a change gets key, nonce and end of the window for the catalog', async () => {
    let once: Once | undefined
    const change = defineAction({
      ...echo,
      name: 'Change',
      mutates: true,
      handle: async (_values, context) => {
        once = context.once
        return {}
      },
    })
    const door = await frontDoor({ actions: [change] })
    assert.equal((await door.ask(v1({ ...ECHO, Action: 'Change', SignatureNonce: 'n' }))).status, 200)
    const { audit, ...spent } = once ?? {}
    assert.deepEqual(spent, { keyId: 'testid', nonce: 'n', expiresAt: Date.parse(NOW) + 15 * MINUTE })
    assert.equal((audit as AuditEntry).action, 'Change')
  })
})

suite('the format of a reply', () => {
  test('is XML by default in V1, with its root named after the action', async () => {
    const { text, headers } = await (await frontDoor()).ask(signed(without({ ...plain, Text: '<&>' }, 'Format')))
    assert.equal(headers['content-type'], 'text/xml;charset=utf-8')
    assert.match(
      text,
      /^<\?xml version='1.0' encoding='UTF-8'\?><EchoResponse><RequestId>[0-9A-F-]{36}<\/RequestId><Given><DBInstanceId>rm-1<\/DBInstanceId><Text>&lt;&amp;&gt;<\/Text><Size>30<\/Size><\/Given><\/EchoResponse>$/,
    )
  })

  test('is what V1 asks for in any case, and JSON in V3 whatever it asks for', async () => {
    const door = await frontDoor()
    assert.match((await door.ask(v1({ ...ECHO, Format: 'xml' }))).text, /^<\?xml/)
    assert.match((await door.ask(v1({ ...ECHO, Format: 'json' }))).text, /^\{/)
    assert.match((await door.ask(v3('Echo', { DBInstanceId: 'rm-1', Format: 'XML' }))).text, /^\{/)
  })

  test('that there is not is refused', async () => {
    const { status, text } = await (await frontDoor()).ask(v1({ ...ECHO, Format: 'YAML' }))
    assert.equal(status, 400)
    assert.match(text, /<Code>InvalidParameter.Format<\/Code>/)
  })

  test('an error carries RequestId, HostId, Code, Message and Recommend', async () => {
    const { fields, headers, status } = await (await frontDoor()).ask(v1({ Action: 'Echo' }))
    assert.equal(status, 404)
    assert.deepEqual(Object.keys(fields), ['RequestId', 'HostId', 'Code', 'Message', 'Recommend'])
    assert.equal(fields['HostId'], HOST)
    assert.equal(headers['x-acs-request-id'], fields['RequestId'])
    assert.equal(headers['content-length'], String(Buffer.byteLength(JSON.stringify(fields))))
  })
})

suite('a request that is no call', () => {
  const bad: [what: string, request: Partial<Request>, expected: string][] = [
    ['broken percent-encoding', { target: '/?Format=JSON&a=%zz' }, '400 MalformedRequest'],
    ['percent-encoding that is not UTF-8', { target: '/?a=%ff' }, '400 MalformedRequest'],
    [
      'a body of another type',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') },
      '400 MalformedRequest',
    ],
    [
      'a compressed body',
      { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: Buffer.from('a=b') },
      '400 MalformedRequest',
    ],
    ['a body that is not UTF-8', { method: 'POST', body: Buffer.from([0xff]) }, '400 MalformedRequest'],
    ['a parameter twice in the query', { target: '/?A=1&A=1' }, '400 InvalidParameter'],
    [
      'a parameter in query and body',
      { method: 'POST', target: '/?A=1', body: Buffer.from('A=1') },
      '400 InvalidParameter',
    ],
    ['another method', { method: 'DELETE' }, '400 UnsupportedHTTPMethod'],
    ['another path', { target: '/a' }, '404 NotFound.Path'],
    ['nothing', {}, '400 MissingAction'],
  ]
  for (const [what, request, expected] of bad) {
    test(`with ${what} is refused`, async () => {
      const { status, text } = await (await frontDoor()).ask(requestOf(request))
      assert.equal(`${status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]}`, expected)
    })
  }

  test('with too many parameters is refused', async () => {
    const door = await frontDoor({ limits: { parameters: 3 } })
    assert.match(
      (await door.ask(requestOf({ method: 'POST', target: '/?a&b', body: Buffer.from('c&d') }))).text,
      /at most 3 parameters/,
    )
    assert.ok(door.lines.some(({ msg }) => String(msg).startsWith('over limits.parameters')))
  })
})

suite('a failure', () => {
  const failing = (error: unknown, faults: Partial<Record<FaultCode, 'BackupJobExists'>> = {}) =>
    frontDoor({
      actions: [defineAction({ ...echo, faults, reply: z.object({}), handle: () => Promise.reject(error) })],
    })
  const ask = async (door: ReturnType<typeof frontDoor>) => {
    const { status, fields } = await (await door).ask(v1(ECHO))
    return { answer: `${status} ${String(fields['Code'])}`, message: String(fields['Message']) }
  }

  test('is what the table of the action says, with message and hint', async () => {
    const fault = new Fault('locked', 'add task: one runs', { hint: 'Wait.' })
    assert.deepEqual(await ask(failing(fault, { locked: 'BackupJobExists' })), {
      answer: '400 BackupJobExists',
      message: 'A backup of this instance is waiting or running already. Add task: one runs. Wait.',
    })
  })

  test('that the table does not know is InternalError, its story in the log and not in the answer', async () => {
    for (const error of [new Fault('locked', 'inner words'), new Error('inner words')]) {
      const door = failing(error)
      const { answer, message } = await ask(door)
      assert.equal(answer, '500 InternalError')
      assert.doesNotMatch(message, /inner/)
      const line = (await door).lines.find(({ msg }) => msg === 'call failed')
      assert.match(JSON.stringify(line?.['err']), /inner words.*stack/)
    }
  })

  test('of the catalog is ServiceUnavailable', async () => {
    assert.equal((await ask(failing(new Fault('catalog_unavailable', 'ask')))).answer, '503 ServiceUnavailable')
    const signingKey = () => Promise.reject(new Fault('catalog_unavailable', 'ask'))
    assert.equal((await ask(frontDoor({ signingKey }))).answer, '503 ServiceUnavailable')
  })

  test('of a nonce spent before a restart is SignatureNonceUsed in every action', async () => {
    assert.equal((await ask(failing(new Fault('replayed', 'spend')))).answer, '400 SignatureNonceUsed')
  })
})

suite('a cached page', () => {
  test('is rendered once for a state, and carries the RequestId of each call', async () => {
    let handled = 0
    let state: string | undefined = 'one'
    const paged = defineAction({
      ...echo,
      cacheKey: async () => state,
      handle: async () => ({ Count: (handled += 1) }),
    })
    const door = await frontDoor({ actions: [paged] })
    const replies = [
      await door.ask(v1(ECHO)),
      await door.ask(v1(ECHO)),
      await door.ask(v3('Echo', { DBInstanceId: 'rm-1' })),
    ]
    assert.deepEqual(
      replies.map(({ fields }) => fields['Count']),
      [1, 1, 1],
    )
    assert.equal(new Set(replies.map(({ fields }) => fields['RequestId'])).size, 3)
    for (const { fields, headers, text } of replies) {
      assert.equal(headers['x-acs-request-id'], fields['RequestId'])
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
    }
    assert.match((await door.ask(v1({ ...ECHO, Format: 'XML' }))).text, /<Count>2<\/Count>/)
    state = 'two'
    assert.equal((await door.ask(v1(ECHO))).fields['Count'], 3)
    state = undefined
    assert.equal((await door.ask(v1(ECHO))).fields['Count'], 4)
  })
})

suite('access keys', () => {
  test('a secret is looked up at most once a second, and again after a change', async () => {
    let asked = 0
    const signingKey = async () => {
      asked += 1
      return signingKeyOf(KEY.secret)
    }
    const change = defineAction({ ...echo, name: 'Change', mutates: true })
    const door = await frontDoor({ actions: [echo, change], signingKey })
    for (let at = 0; at < 3; at += 1) await door.ask(v1(ECHO))
    assert.equal(asked, 1)
    door.clock.advance(1000)
    await door.ask(v1(ECHO))
    assert.equal(asked, 2)
    await door.ask(v1({ ...ECHO, Action: 'Change' }))
    await door.ask(v1(ECHO))
    assert.equal(asked, 3)
  })

  test('a key that is not there is looked up each time, so that a new one works at once', async () => {
    let secret: string | undefined
    const door = await frontDoor({ signingKey: async () => (secret === undefined ? undefined : signingKeyOf(secret)) })
    assert.equal((await door.ask(v1(ECHO))).fields['Code'], 'InvalidAccessKeyId.NotFound')
    secret = KEY.secret
    assert.equal((await door.ask(v1(ECHO))).status, 200)
  })
})
