import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { authorizeV3, parseAuthorization, sha256Hex } from './signature-v3.ts'

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const QUERY =
  'DBInstanceId=rm-uf6wjk5xxxxxxx&StartTime=2026-01-01T00%3A00Z&EndTime=2026-01-02T00:00Z&PageSize=30&PageNumber=1'
const headers = {
  host: '127.0.0.1:8080',
  'x-acs-version': '2014-08-15',
  'x-acs-action': 'DescribeBackups',
  'x-acs-date': '2026-01-02T03:04:05Z',
  'x-acs-signature-nonce': '11111111222233334444555555555555',
  'x-acs-content-sha256': EMPTY,
  'x-acs-credentials-provider': 'static_ak',
}

suite('signature V3', () => {
  test('the hash of an empty body is the known one', () => {
    assert.equal(sha256Hex(''), EMPTY)
  })

  test('gives the published signature of the published call', () => {
    const request = {
      method: 'POST',
      target: '/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai',
      headers: {
        host: 'ecs.cn-shanghai.aliyuncs.com',
        'x-acs-action': 'RunInstances',
        'x-acs-content-sha256': EMPTY,
        'x-acs-date': '2023-10-26T10:22:32Z',
        'x-acs-signature-nonce': '3156853299f313e23d1673dc12e1703d',
        'x-acs-version': '2014-05-26',
      },
    }
    assert.equal(
      authorizeV3(request, { id: 'YourAccessKeyId', secret: 'YourAccessKeySecret' }),
      'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
    )
  })

  test('gives the signature of the SDK for a call of ours', () => {
    const request = { method: 'POST', target: `/?${QUERY}`, headers: { ...headers, accept: 'application/json' } }
    assert.equal(
      authorizeV3(request, { id: 'testid', secret: 'testsecret' }),
      'ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=dad341488a312839884b70495d14e053d5e6ba789446876a58f5854f0ed8afe8',
    )
  })

  test('gives the signature of the SDK for a temporary key', () => {
    const sts = {
      ...headers,
      'x-acs-credentials-provider': 'static_sts',
      'x-acs-accesskey-id': 'STS.testid',
      'x-acs-security-token': 'tok+/=en',
    }
    const authorization = authorizeV3(
      { method: 'POST', target: `/?${QUERY}`, headers: sts },
      { id: 'STS.testid', secret: 'testsecret' },
    )
    assert.match(authorization, /Signature=46e14954da97cc2e590b8cc7c85b17c397c009ad51a05d1c2d903d8b7b1a3775$/)
  })

  test('reads an Authorization header with or without spaces between its parts', () => {
    const signature = 'ab'.repeat(32)
    const expected = { keyId: 'k', signedHeaders: ['host', 'x-acs-date'], signature }
    for (const gap of ['', ' ']) {
      const value = `ACS3-HMAC-SHA256 Credential=k,${gap}SignedHeaders=x-acs-date;host,${gap}Signature=${signature}`
      assert.deepEqual(parseAuthorization(value), expected)
    }
  })

  test('reads nothing from a header of another form', () => {
    for (const value of [
      '',
      'Basic abc',
      'ACS3-HMAC-SHA256 Credential=k',
      `ACS3-HMAC-SM3 Credential=k,SignedHeaders=a,Signature=${'0'.repeat(64)}`,
    ]) {
      assert.equal(parseAuthorization(value), undefined)
    }
  })
})
