import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  codeOf,
  ECHO,
  formOf,
  frontDoor,
  HOST,
  MINUTE,
  NOW,
  plain,
  requestOf,
  signed,
  v1,
  without,
} from '../../test/api/front-door.ts'
import type { Request } from './request.ts'

suite('a call signed with V1', () => {
  const isCommon = (name: string) => /^(Format|Version|AccessKeyId|Signature.*|Timestamp|Action)$/.test(name)
  const places: Record<string, Request> = {
    'the query of a GET': v1(ECHO),
    'the query of a POST': v1(ECHO, { method: 'POST' }),
    'the body of a POST': v1(ECHO, { method: 'POST', inBody: () => true }),
    'query and body, each half': v1(ECHO, { method: 'POST', inBody: (name) => !isCommon(name) }),
    'query and body, the signature in the body': v1(ECHO, { method: 'POST', inBody: (name) => name === 'Signature' }),
  }
  for (const [place, request] of Object.entries(places)) {
    test(`is answered with its parameters in ${place}`, async () => {
      const { status, fields, headers } = await (await frontDoor()).ask(request)
      assert.equal(status, 200)
      assert.deepEqual(fields['Given'], { DBInstanceId: 'rm-1', Text: null, Size: 30 })
      assert.match(String(fields['RequestId']), /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/)
      assert.equal(headers['x-acs-request-id'], fields['RequestId'])
      assert.equal(headers['content-type'], 'application/json;charset=utf-8')
    })
  }

  test('may leave raw on the wire what it signs encoded, and have + for a space', async () => {
    const request = v1({ ...ECHO, Text: "a b*(c)'!~é" })
    const target = request.target.replace(/(?<=Text=)[^&]*/, "a+b*(c)'!~%c3%A9")
    const { fields } = await (await frontDoor()).ask({ ...request, target })
    assert.deepEqual(fields['Given'], { DBInstanceId: 'rm-1', Text: "a b*(c)'!~é", Size: 30 })
  })

  test('may send its signature as raw base64, whose + arrives as a space', async () => {
    const door = await frontDoor()
    const withPlus = Array.from({ length: 50 }, () => v1(ECHO)).filter(({ target }) => target.includes('%2B'))
    assert.ok(withPlus.length > 0)
    for (const request of withPlus) {
      assert.equal((await door.ask({ ...request, target: request.target.replaceAll('%2B', '+') })).status, 200)
    }
  })

  test('may have an empty path before its query, or an absolute target', async () => {
    const request = v1(ECHO)
    assert.equal((await (await frontDoor()).ask({ ...request, target: request.target.slice(1) })).status, 200)
    const absolute = { ...request, target: `http://${HOST}${request.target.slice(1)}` }
    assert.equal((await (await frontDoor()).ask(absolute)).status, 200)
  })

  test('covers empty and unknown parameters, which are ignored', async () => {
    const uninvited = {
      SignatureType: '',
      RegionId: 'eu',
      SourceIp: '',
      OwnerId: '1',
      ResourceOwnerAccount: 'x',
      proxyId: '',
      ClientToken: 'c',
    }
    assert.equal(await codeOf(v1({ ...ECHO, ...uninvited })), '200 undefined')
  })

  test('trusts the Action parameter, not a header', async () => {
    const request = v1(ECHO)
    const headers = { ...request.headers, 'x-acs-action': 'echo', 'x-acs-version': 'old' }
    assert.equal((await (await frontDoor()).ask({ ...request, headers })).status, 200)
  })

  test('takes a nonce of any form', async () => {
    for (const SignatureNonce of ['x', '0'.repeat(32), 'é ö', 'f'.repeat(64)]) {
      assert.equal(await codeOf(v1({ ...ECHO, SignatureNonce })), '200 undefined')
    }
  })

  for (const [name, expected] of Object.entries({
    Action: '400 MissingAction',
    Version: '400 MissingVersion',
    Timestamp: '400 MissingTimestamp',
    SignatureNonce: '400 MissingSignatureNonce',
    AccessKeyId: '400 MissingAccessKeyId',
    SignatureMethod: '400 InvalidSignatureMethod',
    SignatureVersion: '400 InvalidSignatureVersion',
  })) {
    test(`without ${name} is refused`, async () => {
      assert.equal(await codeOf(signed(without(plain, name))), expected)
    })
  }

  const wrong: [name: string, value: string, expected: string][] = [
    ['Action', 'echo', '404 InvalidAction.NotFound'],
    ['Action', 'constructor', '404 InvalidAction.NotFound'],
    ['Version', '2014-05-26', '400 InvalidVersion'],
    ['Timestamp', '2026-01-02T03:04Z', '400 InvalidTimeStamp.Format'],
    ['Timestamp', '2026-01-02T03:04:05.000Z', '400 InvalidTimeStamp.Format'],
    ['Timestamp', '2026-01-02T03:04:05+00:00', '400 InvalidTimeStamp.Format'],
    ['Timestamp', '2026-02-30T03:04:05Z', '400 InvalidTimeStamp.Format'],
    ['Timestamp', '2026-01-02T03:19:06Z', '400 InvalidTimeStamp.Expired'],
    ['Timestamp', '2026-01-02T02:49:04Z', '400 InvalidTimeStamp.Expired'],
    ['AccessKeyId', 'other', '404 InvalidAccessKeyId.NotFound'],
    ['AccessKeyId', 'STS.other', '400 MissingSecurityToken'],
    ['SecurityToken', 't', '400 InvalidSecurityToken.MismatchWithAccessKey'],
    ['SignatureMethod', 'HMAC-SHA256', '400 InvalidSignatureMethod'],
    ['SignatureVersion', '2.0', '400 InvalidSignatureVersion'],
    ['SignatureNonce', 'n'.repeat(257), '400 InvalidParameter'],
  ]
  for (const [name, value, expected] of wrong) {
    test(`with ${name} ${value.slice(0, 30)} is refused`, async () => {
      assert.equal(await codeOf(signed({ ...plain, [name]: value })), expected)
    })
  }

  test('of a temporary key with a token is refused', async () => {
    const fields = { ...plain, AccessKeyId: 'STS.x', SecurityToken: 't' }
    assert.equal(await codeOf(signed(fields)), '400 InvalidSecurityToken.Malformed')
  })

  test('is let in to the ends of the window', async () => {
    for (const minutes of [-15, 15]) {
      assert.equal(await codeOf(v1(ECHO, { now: Date.parse(NOW) + minutes * MINUTE })), '200 undefined')
    }
  })

  test('without a signature is refused', async () => {
    assert.equal(await codeOf(requestOf({ target: `/?${formOf(plain)}` })), '400 IncompleteSignature')
  })

  test('is refused when anything in it was altered', async () => {
    const request = v1(ECHO)
    for (const target of [
      request.target.replace('rm-1', 'rm-2'),
      `${request.target}&Text=`,
      request.target.replace('JSON', 'json'),
    ]) {
      assert.equal(await codeOf({ ...request, target }), '400 SignatureDoesNotMatch')
    }
    assert.equal(await codeOf({ ...request, method: 'POST' }), '400 SignatureDoesNotMatch')
  })

  test('by another secret is refused, and told what was signed after a colon', async () => {
    const { status, fields } = await (await frontDoor()).ask(v1(ECHO, { secret: 'other' }))
    assert.equal(status, 400)
    assert.match(
      String(fields['Message']),
      /^Specified signature is not matched with our calculation\. server string to sign is:GET&%2F&AccessKeyId%3Dtestid%26Action%3DEcho%26/,
    )
  })

  test('that does not match is not told its secret parameters back', async () => {
    const fields = { ...ECHO, 'Secret.1.Password': 'hush-hush' }
    const request = v1(fields, { method: 'POST', inBody: (name) => name.startsWith('Secret'), secret: 'other' })
    const reply = await (await frontDoor()).ask(request)
    assert.equal(reply.fields['Code'], 'SignatureDoesNotMatch')
    assert.match(String(reply.fields['Message']), /:/)
    assert.doesNotMatch(reply.text, /hush/)
  })
})
