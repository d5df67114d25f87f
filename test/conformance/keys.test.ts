import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import * as rds from '@alicloud/rds20140815'
import { ACTIONS } from '../../src/api/actions.ts'
import { requireInstances, requireRights, type Caller } from '../../src/api/caller.ts'
import { KEY_ROLES } from '../../src/core/access-key.ts'
import { popClient, refusalOf, sdkClient, type Key } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

type Json = Readonly<Record<string, unknown>>

suite('rights of keys', () => {
  let service: TestService
  before(async () => {
    service = await startTestService()
    for (const id of ['pgm-1', 'pgm-2']) await call('RegisterDBInstance', { DBInstanceId: id, Node: [NODE] })
  })
  after(() => service.close())

  const call = (action: string, parameters: Json = {}, key: Key = service.key) =>
    popClient(service.url, key, 'POST').call(action, parameters)
  const refused = async (key: Key, action: string, parameters: Json = {}) =>
    (await refusalOf(call(action, parameters, key))).code
  async function make(rights: Json = {}): Promise<Key> {
    const made = await call('CreateAccessKey', rights)
    return { id: String(made['AccessKeyId']), secret: String(made['AccessKeySecret']) }
  }
  async function assume(key: Key, more: Json = {}): Promise<Key> {
    const { Credentials } = await call('AssumeRole', { RoleSessionName: 'test', ...more }, key)
    const { AccessKeyId, AccessKeySecret, SecurityToken } = Credentials as Record<string, string>
    return { id: AccessKeyId ?? '', secret: AccessKeySecret ?? '', token: SecurityToken ?? '' }
  }

  test('each role may do what it is for, and what those before it may', async () => {
    const [read, operate] = [await make({ Role: 'read' }), await make({ Role: 'operate' })]
    for (const key of [read, operate]) await call('DescribeBackups', { DBInstanceId: 'pgm-1' }, key)
    assert.equal(await refused(read, 'ModifyBackupPolicy', { DBInstanceId: 'pgm-1' }), 'Forbidden.RAM')
    await call('ModifyBackupPolicy', { DBInstanceId: 'pgm-1' }, operate)
    for (const action of ['ListAccessKeys', 'CreateAccessKey', 'DescribeAuditRecords', 'DeregisterDBInstance']) {
      assert.equal(await refused(operate, action, { DBInstanceId: 'pgm-1' }), 'Forbidden.RAM', action)
    }
  })

  test('a refusal for want of rights is in the audit, with the key', async () => {
    const read = await make({ Role: 'read' })
    await refused(read, 'DeleteBackup', { DBInstanceId: 'pgm-1', BackupId: '1' })
    const { Items } = await call('DescribeAuditRecords', { UserAccessKeyId: read.id })
    const [record] = (Items as { AuditRecord: Record<string, string>[] }).AuditRecord
    assert.deepEqual([record?.['ActionName'], record?.['ErrorCode']], ['DeleteBackup', 'Forbidden.RAM'])
  })

  test('a key of some instances knows of no others, by name or in a list', async () => {
    const key = await make({ InstanceIds: 'pgm-2' })
    const { Items } = await call('DescribeDBInstances', { RegionId: 'cn-hangzhou' }, key)
    const ids = (Items as { DBInstance: { DBInstanceId: string }[] }).DBInstance.map(({ DBInstanceId }) => DBInstanceId)
    assert.deepEqual(ids, ['pgm-2'])
    await call('DescribeBackups', { DBInstanceId: 'pgm-2' }, key)
    assert.equal(await refused(key, 'DescribeBackups', { DBInstanceId: 'pgm-1' }), 'Forbidden.InstanceNotFound')
    assert.equal(await refused(key, 'DescribeBackups', { DBInstanceId: 'none' }), 'Forbidden.InstanceNotFound')
    const both = { DBInstanceId: 'pgm-2,pgm-1' }
    assert.equal(await refused(key, 'DescribeDBInstanceAttribute', both), 'Forbidden.InstanceNotFound')
    assert.equal(await refused(key, 'ListAccessKeys'), 'Forbidden.RAM')
    assert.equal(await refused(key, 'RegisterDBInstance', { Node: [NODE] }), 'Forbidden.RAM')
    await call('DescribeRegions', {}, key)
  })

  test('a key is good only from where it may be used, and until it ends', async () => {
    const here = await make({ SourceAddresses: '10.0.0.0/8,127.0.0.1' })
    await call('DescribeRegions', {}, here)
    assert.equal(await refused(await make({ SourceAddresses: '10.0.0.0/8' }), 'DescribeRegions'), 'Forbidden.RAM')
    assert.equal(
      await refused(await make({ ExpireTime: '2020-01-01T00:00Z' }), 'DescribeRegions'),
      'InvalidAccessKeyId.Inactive',
    )
    assert.equal(await refused(service.key, 'CreateAccessKey', { SourceAddresses: 'home' }), 'InvalidParameter')
    await call('ModifyAccessKey', { UserAccessKeyId: here.id, SourceAddresses: '10.0.0.0/8' })
    assert.equal(await refused(here, 'DescribeRegions'), 'Forbidden.RAM')
    await call('ModifyAccessKey', { UserAccessKeyId: here.id, SourceAddresses: 'all' })
    await call('DescribeRegions', {}, here)
  })

  test('nobody takes from his own key what he needs to give it back', async () => {
    const own = { UserAccessKeyId: service.key.id }
    assert.equal(
      await refused(service.key, 'ModifyAccessKey', { ...own, Role: 'read' }),
      'OperationDenied.LastAccessKey',
    )
  })

  test('after a rotation both secrets sign for a while, and then only the new one', async () => {
    const key = await make()
    const rotate = async (OldSecretSeconds: number) => {
      const reply = await call('RotateAccessKey', { UserAccessKeyId: key.id, OldSecretSeconds })
      return { id: key.id, secret: String(reply['AccessKeySecret']) }
    }
    const second = await rotate(3600)
    for (const good of [key, second]) await call('DescribeRegions', {}, good)
    const third = await rotate(0)
    await call('DescribeRegions', {}, third)
    assert.equal(await refused(second, 'DescribeRegions'), 'SignatureDoesNotMatch')
    assert.equal(await refused(key, 'DescribeRegions'), 'SignatureDoesNotMatch')
  })

  test('a temporary key works with both signatures, and does at most what its maker may', async () => {
    const maker = await make({ Role: 'operate', InstanceIds: 'pgm-1' })
    const temporary = await assume(maker, { Role: 'admin' })
    assert.match(temporary.id, /^STS\./)
    await call('DescribeBackups', { DBInstanceId: 'pgm-1' }, temporary)
    const sdk = sdkClient(service.url, temporary)
    const { statusCode } = await sdk.describeBackups(new rds.DescribeBackupsRequest({ DBInstanceId: 'pgm-1' }))
    assert.equal(statusCode, 200)
    assert.equal(await refused(temporary, 'DescribeBackups', { DBInstanceId: 'pgm-2' }), 'Forbidden.InstanceNotFound')
    assert.equal(await refused(temporary, 'DeregisterDBInstance', { DBInstanceId: 'pgm-1' }), 'Forbidden.RAM')
    const ofAdmin = await assume(service.key)
    assert.equal(await refused(ofAdmin, 'CreateAccessKey'), 'Forbidden.RAM')
    assert.equal(await refused(ofAdmin, 'AssumeRole', { RoleSessionName: 'again' }), 'Forbidden.RAM')
    const { Items } = await call('DescribeAuditRecords', { UserAccessKeyId: temporary.id })
    const [record] = (Items as { AuditRecord: Record<string, string>[] }).AuditRecord
    assert.equal(record?.['ParentAccessKeyId'], maker.id)
  })

  test('a temporary key ends with its maker, and a token that is altered, or another’s, opens nothing', async () => {
    const maker = await make()
    const [one, other] = [await assume(maker), await assume(maker)]
    const token = (of: Key) => of.token ?? ''
    assert.equal(
      await refused({ ...one, token: token(other) }, 'DescribeRegions'),
      'InvalidSecurityToken.MismatchWithAccessKey',
    )
    assert.equal(
      await refused({ ...one, token: `${token(one)}x` }, 'DescribeRegions'),
      'InvalidSecurityToken.Malformed',
    )
    const { token: _token, ...bare } = one
    assert.equal(await refused(bare, 'DescribeRegions'), 'MissingSecurityToken')
    assert.equal(
      await refused({ ...maker, token: token(one) }, 'DescribeRegions'),
      'InvalidSecurityToken.MismatchWithAccessKey',
    )
    await call('ModifyAccessKey', { UserAccessKeyId: maker.id, Role: 'read' })
    assert.equal(await refused(one, 'DeleteBackup', { DBInstanceId: 'pgm-1', BackupId: '1' }), 'Forbidden.RAM')
    await call('DeleteAccessKey', { UserAccessKeyId: maker.id })
    assert.equal(await refused(one, 'DescribeRegions'), 'InvalidAccessKeyId.NotFound')
  })
})

test('a call is let through only if every limit of its key lets it', () => {
  const NOW = 1_000_000
  const callers = fc.record({
    role: fc.constantFrom(...KEY_ROLES),
    instances: fc.option(fc.subarray(['a', 'b']), { nil: undefined }),
    sources: fc.option(fc.subarray(['10.0.0.0/8', '127.0.0.1', '::1']), { nil: undefined }),
    expiresAt: fc.constantFrom(undefined, NOW - 1, NOW, NOW + 1),
    temporary: fc.boolean(),
  })
  const calls = fc.record({
    action: fc.constantFrom(...ACTIONS),
    from: fc.constantFrom('10.1.2.3', '127.0.0.1', '::1', '192.168.0.1'),
    DBInstanceId: fc.constantFrom(undefined, 'a', 'b', 'c', ['a', 'b'], ['a', 'c']),
  })
  const inside: Readonly<Record<string, readonly string[]>> = {
    '10.0.0.0/8': ['10.1.2.3'],
    '127.0.0.1': ['127.0.0.1'],
    '::1': ['::1'],
  }
  const passes = (
    caller: Caller,
    { action, from, DBInstanceId }: typeof calls extends fc.Arbitrary<infer T> ? T : never,
  ) => {
    try {
      requireRights(caller, action, from, NOW)
      requireInstances(caller, action, { DBInstanceId })
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(callers, calls, ({ temporary, ...rights }, asked) => {
      const sources = rights.sources ? [rights.sources] : []
      const caller = { keyId: 'k', parentKeyId: temporary ? 'p' : '', rights, sources }
      const { action } = asked
      const least = action.role ?? (action.mutates ? 'operate' : 'read')
      const named = [asked.DBInstanceId ?? []].flat()
      const expected =
        KEY_ROLES.indexOf(rights.role) >= KEY_ROLES.indexOf(least) &&
        (rights.expiresAt === undefined || rights.expiresAt > NOW) &&
        (rights.sources?.some((block) => inside[block]?.includes(asked.from)) ?? true) &&
        !(temporary && action.lastingKeyOnly === true) &&
        (rights.instances === undefined ||
          action.limited === 'any' ||
          (named.every((id) => rights.instances?.includes(id)) && (named.length > 0 || action.limited === 'filters')))
      assert.equal(passes(caller, asked), expected)
    }),
    { numRuns: 5000 },
  )
})
