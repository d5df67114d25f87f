import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseForm } from './canonical.ts'
import { signV1, stringToSignV1 } from './signature-v1.ts'

const describeBackups = {
  Action: 'DescribeBackups',
  Format: 'JSON',
  Version: '2014-08-15',
  AccessKeyId: 'testid',
  SignatureMethod: 'HMAC-SHA1',
  SignatureVersion: '1.0',
  SignatureNonce: '11111111-2222-3333-4444-555555555555',
  Timestamp: '2026-01-02T03:04:05Z',
  DBInstanceId: 'rm-uf6wjk5xxxxxxx',
  StartTime: '2026-01-01T00:00Z',
  EndTime: '2026-01-02T00:00Z',
  PageSize: '30',
  PageNumber: '1',
}
const sign = (method: string, parameters: Record<string, string>) =>
  signV1({ method, parameters: Object.entries(parameters) }, 'testsecret')

suite('signature V1', () => {
  test('gives the published signature of the published call', () => {
    const text =
      'AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0&Timestamp=2016-02-23T12:46:24Z&Version=2014-05-26'
    assert.equal(signV1({ method: 'GET', parameters: parseForm(text) }, 'testsecret'), 'OLeaidS1JvxuMvnyHOwuJ+uX5qY=')
  })

  test('signs the real verb', () => {
    assert.equal(sign('GET', describeBackups), 'slJy4DrA66MsXeyWNzndxXvwP8A=')
    assert.equal(sign('POST', describeBackups), 'rtN42rPsKOH2kxY18nATQvITi90=')
  })

  test('covers the security token and parameters with empty values', () => {
    const more = { ...describeBackups, SecurityToken: "tok+/=en *~(x)'!", SignatureType: '' }
    assert.equal(sign('POST', more), 'JYaxxeW5NZBO72mWWxj/na8HOBg=')
  })

  test('leaves the signature itself out, and signs the text of the facts', () => {
    const parameters = Object.entries({ ...describeBackups, Signature: 'x' })
    assert.equal(
      stringToSignV1({ method: 'POST', parameters }),
      'POST&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeBackups%26DBInstanceId%3Drm-uf6wjk5xxxxxxx%26EndTime%3D2026-01-02T00%253A00Z%26Format%3DJSON%26PageNumber%3D1%26PageSize%3D30%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D11111111-2222-3333-4444-555555555555%26SignatureVersion%3D1.0%26StartTime%3D2026-01-01T00%253A00Z%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2014-08-15',
    )
  })
})
