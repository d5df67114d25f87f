import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { codeOf, formOf, frontDoor, HOST, v3 } from '../../test/api/front-door.ts'
import type { Request } from './request.ts'

suite('a call signed with V3', () => {
  const query = { DBInstanceId: 'rm-1' }

  test('is answered in JSON, with its parameters in the query or in the body', async () => {
    for (const request of [
      v3('Echo', query),
      v3('Echo', query, { method: 'GET' }),
      v3('Echo', {}, { body: formOf(query) }),
    ]) {
      const { status, fields, headers } = await (await frontDoor()).ask(request)
      assert.equal(status, 200)
      assert.deepEqual(fields['Given'], { DBInstanceId: 'rm-1', Text: null, Size: 30 })
      assert.equal(headers['content-type'], 'application/json;charset=utf-8')
    }
  })

  test('may have + for a space and raw characters in its query', async () => {
    const request = v3('Echo', { ...query, Text: 'a b*(c)' })
    const target = request.target.replace(/(?<=Text=)[^&]*/, 'a+b*(c)')
    assert.equal(await codeOf({ ...request, target }), '200 undefined')
  })

  test('may sign more headers, of which repeated ones are sorted', async () => {
    const request = v3('Echo', query, { headers: { 'x-acs-extra': 'a,b', 'x-acs-credentials-provider': 'static_ak' } })
    const headers = { ...request.headers, 'x-acs-extra': 'b, a' }
    const rawHeaders = [
      ...Object.entries(request.headers).flatMap(([name, value]) =>
        name === 'x-acs-extra' ? [] : [name, value ?? ''],
      ),
      'X-Acs-Extra',
      'b',
      'X-Acs-Extra',
      ' a ',
    ]
    assert.equal(await codeOf({ ...request, headers, rawHeaders }), '200 undefined')
  })

  const required = [
    'host',
    'x-acs-action',
    'x-acs-version',
    'x-acs-date',
    'x-acs-signature-nonce',
    'x-acs-content-sha256',
  ]
  for (const name of required) {
    test(`whose SignedHeaders lack ${name} is refused`, async () => {
      const request = v3('Echo', query)
      const authorization = request.headers['authorization']
        ?.replace(new RegExp(`(?<=[=;])${name};?`), '')
        .replace(';,', ',')
      assert.equal(
        await codeOf({ ...request, headers: { ...request.headers, authorization } }),
        '400 IncompleteSignature',
      )
    })
  }

  test('is refused when its query, its body or a signed header was altered', async () => {
    const request = v3('Echo', query, { body: 'Text=a' })
    const altered: Partial<Request>[] = [
      { target: '/?DBInstanceId=rm-2' },
      { body: Buffer.from('Text=b') },
      { method: 'GET' },
      { headers: { ...request.headers, host: 'other' } },
      { headers: { ...request.headers, 'x-acs-content-sha256': '0'.repeat(64) } },
    ]
    for (const change of altered) {
      const { fields } = await (await frontDoor()).ask({ ...request, ...change })
      assert.equal(fields['Code'], 'SignatureDoesNotMatch')
      assert.match(String(fields['Message']), /:/)
    }
  })

  test('of another algorithm, or without Authorization, is refused', async () => {
    const request = v3('Echo', query)
    const withAuthorization = (authorization: string | undefined) => ({
      ...request,
      headers: { ...request.headers, authorization },
    })
    const { authorization = '' } = request.headers
    assert.equal(await codeOf(withAuthorization(authorization.replace('SHA256', 'SM3'))), '400 InvalidSignatureMethod')
    assert.equal(await codeOf(withAuthorization('ACS3-HMAC-SHA256 Credential=x')), '400 IncompleteSignature')
    assert.equal(await codeOf(withAuthorization(undefined)), '400 IncompleteSignature')
  })

  test('of a temporary key is refused as one of V1 is', async () => {
    const headers = { 'x-acs-security-token': 't', 'x-acs-accesskey-id': 'STS.x' }
    assert.equal(await codeOf(v3('Echo', query, { headers })), '400 InvalidSecurityToken.MismatchWithAccessKey')
  })

  test('that fails under another Host says in the log what a proxy may have done', async () => {
    const door = await frontDoor()
    const request = v3('Echo', query, { headers: { host: 'api.example.com' } })
    await door.ask({ ...request, headers: { ...request.headers, host: 'backend:8080' } })
    const [line] = door.lines
    assert.equal(line?.['host'], 'backend:8080')
    assert.equal(line?.['publicHost'], HOST)
    assert.match(String(line?.['hint']), /proxy/)
  })
})
