import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Json, popClient, refusalOf } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service.close())

suite('registering', () => {
  const post = (action: string, parameters: Json = {}) =>
    popClient(service.url, service.key, 'POST').call(action, parameters)
  const refused = async (parameters: Json) => (await refusalOf(post('RegisterDBInstance', parameters))).code
  const node = (Host: string, more: Json = {}) => ({ ...NODE, Host, ...more })

  test('roles are what the nodes say, and ids are given', async () => {
    const reply = await post('RegisterDBInstance', {
      Node: [node('replica', { Role: 'Master' }), node('primary', { Role: 'Slave' })],
    })
    assert.match(String(reply['DBInstanceId']), /^pgm-[0-9a-z]{17}$/)
    assert.equal(reply['SystemIdentifier'], '7')
    const { Node } = reply['Nodes'] as { Node: Record<string, unknown>[] }
    assert.deepEqual(
      Node.map(({ Host, Role }) => [Host, Role]),
      [
        ['primary', 'Master'],
        ['replica', 'Slave'],
      ],
    )
    assert.ok(!JSON.stringify(reply).includes(NODE.Password))
  })

  test('nodes of two databases, and two primaries, are refused', async () => {
    assert.equal(await refused({ Node: [node('primary'), node('stranger')] }), 'DBInstanceMismatch')
    assert.equal(await refused({ Node: [node('primary'), node('twin')] }), 'DBInstanceMismatch')
  })

  test('a node that does not answer is refused, unless told otherwise', async () => {
    const Node = [node('primary'), node('nobody')]
    assert.equal(await refused({ Node }), 'DBInstanceUnready')
    const reply = await post('RegisterDBInstance', { Node, AllowUnready: 'true' })
    const { Problem } = reply['Problems'] as { Problem: Record<string, string>[] }
    assert.equal(Problem[0]?.['Node'], 'nobody:5432')
    assert.equal(await refused({ Node: [node('nobody')], AllowUnready: 'true' }), 'DBInstanceUnready')
  })

  test('an id is given once', async () => {
    await post('RegisterDBInstance', { DBInstanceId: 'pgm-once', Node: [NODE] })
    assert.equal(await refused({ DBInstanceId: 'pgm-once', Node: [NODE] }), 'DBInstanceExists')
  })

  test('nodes come as JSON text too, and of another form are refused', async () => {
    await post('RegisterDBInstance', { DBInstanceId: 'pgm-json', Node: JSON.stringify([{ ...NODE, Port: 5433 }]) })
    for (const wrong of [
      { ...NODE, Port: '0' },
      { ...NODE, Port: '65536' },
      { ...NODE, Hots: 'a' },
      { Host: 'a' },
      { ...NODE, SslMode: 'yes' },
    ]) {
      assert.equal(await refused({ Node: [wrong] }), 'InvalidParameter', JSON.stringify(wrong))
    }
    assert.equal(await refused({}), 'MissingParameter')
  })

  test('a password in a query is refused by name', async () => {
    const get = popClient(service.url, service.key, 'GET')
    const error = await get.call('RegisterDBInstance', { Node: [NODE] }).catch((thrown: Error) => thrown)
    assert.ok(error instanceof Error && error.message.includes('Node is secret'))
    assert.ok(!error.message.includes(NODE.Password))
  })

  test('the store holds the record of each instance, without passwords', async () => {
    await post('RegisterDBInstance', { DBInstanceId: 'pgm-record', Node: [NODE] })
    const keys = (await Array.fromAsync(service.store.list('instances/pgm-record/'))).map(({ key }) => key)
    assert.equal(keys.length, 1)
    const text = Buffer.concat(await Array.fromAsync(await service.store.get(keys[0] ?? ''))).toString()
    assert.ok(text.includes('pgm-record') && !text.includes(NODE.Password))
  })
})

suite('instances', () => {
  const call = (parameters: Json) =>
    popClient(service.url, service.key, 'POST').call('DescribeDBInstances', { RegionId: 'cn-hangzhou', ...parameters })
  const ids = (reply: Json) =>
    (reply['Items'] as { DBInstance: { DBInstanceId: string }[] }).DBInstance.map(({ DBInstanceId }) => DBInstanceId)

  test('pages by number and by token are the same instances', async () => {
    const all = ids(await call({ PageSize: 100 }))
    assert.ok(all.length > 3)
    const byNumber: string[] = []
    for (let page = 1; byNumber.length < all.length; page++)
      byNumber.push(...ids(await call({ PageSize: 2, PageNumber: page })))
    const byToken: string[] = []
    let NextToken: unknown
    do {
      const reply = await call({ MaxResults: 2, ...(NextToken !== undefined && { NextToken }) })
      byToken.push(...ids(reply))
      NextToken = reply['NextToken']
    } while (NextToken !== '')
    assert.deepEqual(byNumber, all)
    assert.deepEqual(byToken, all)
  })

  test('empty values, as SDKs and Terraform send them, are none', async () => {
    const empty = {
      OwnerId: '',
      ResourceGroupId: '',
      SignatureType: '',
      Category: '',
      Engine: '',
      DBInstanceStatus: '',
    }
    const all = ids(await call({ PageSize: 100 }))
    assert.deepEqual(
      ids(await call({ ...empty, PageSize: 100, DBInstanceId: '', SearchKey: '', NextToken: '' })),
      all.slice(0, 30),
    )
    assert.deepEqual(ids(await call({ ...empty, NextToken: '', MaxResults: 100 })), all)
    assert.equal((await refusalOf(call({ PageSize: '' }))).code, 'InvalidParameter')
  })

  test('filters that are honoured filter, and those that are not are refused', async () => {
    assert.deepEqual(ids(await call({ DBInstanceId: 'pgm-json' })), ['pgm-json'])
    assert.ok(ids(await call({ SearchKey: 'json' })).includes('pgm-json'))
    assert.deepEqual(ids(await call({ Engine: 'MySQL' })), [])
    assert.deepEqual(ids(await call({ DBInstanceStatus: 'Creating' })), [])
    assert.equal((await refusalOf(call({ Tags: '{"a":"b"}' }))).code, 'InvalidParameter')
    assert.equal((await refusalOf(call({ RegionId: 'cn-beijing' }))).code, 'InvalidRegionId.NotFound')
    assert.equal((await refusalOf(call({ NextToken: 'x' }))).code, 'Invalid.NextToken')
  })
})

suite('nodes of an instance', () => {
  const post = (action: string, parameters: Json) =>
    popClient(service.url, service.key, 'POST').call(action, parameters)
  const modify = (DBInstanceId: string, parameters: Json) =>
    post('ModifyDBInstanceNodes', { DBInstanceId, ...parameters })
  const refused = async (id: string, parameters: Json) => (await refusalOf(modify(id, parameters))).code
  const node = (Host: string, more: Json = {}) => ({ ...NODE, Host, ...more })
  const nodesOf = (reply: Json) => (reply['Nodes'] as { Node: { HostInstanceID: string; Host: string }[] }).Node
  const hosts = (reply: Json) => nodesOf(reply).map(({ Host }) => Host)

  /** Registers an instance of these nodes, and gives their ids. */
  async function register(id: string, ...names: readonly string[]): Promise<readonly string[]> {
    const Node = names.map((name) => node(name))
    const reply = await post('RegisterDBInstance', { DBInstanceId: id, Node, AllowUnready: 'true' })
    return nodesOf(reply).map(({ HostInstanceID }) => HostInstanceID)
  }
  const addressOf = async (id: string, nodeId: string) =>
    (await service.catalog.instance(id))?.nodes.find((each) => each.id === nodeId)?.address

  test('a node is added and removed, and the others keep their ids', async () => {
    const [primary = ''] = await register('pgm-nodes', 'primary')
    const added = await modify('pgm-nodes', { AddNode: [node('replica')] })
    assert.deepEqual(hosts(added), ['primary', 'replica'])
    assert.equal(nodesOf(added)[0]?.HostInstanceID, primary)
    assert.ok(!JSON.stringify(added).includes(NODE.Password))
    const [, replica] = nodesOf(added)
    const removed = await modify('pgm-nodes', { RemoveNode: replica?.HostInstanceID })
    assert.deepEqual(nodesOf(removed), nodesOf(added).slice(0, 1))
    const again = await modify('pgm-nodes', { AddNode: [node('replica')] })
    assert.notEqual(nodesOf(again)[1]?.HostInstanceID, replica?.HostInstanceID)
  })

  test('a node is set to another user and password, and what is not named stays', async () => {
    const [id = ''] = await register('pgm-set', 'primary')
    await modify('pgm-set', { SetNode: [{ HostInstanceID: id, User: 'other', Password: 'another' }] })
    assert.partialDeepStrictEqual(await addressOf('pgm-set', id), {
      host: 'primary',
      user: 'other',
      password: 'another',
    })
    await modify('pgm-set', { SetNode: [{ HostInstanceID: id, User: 'third' }] })
    assert.partialDeepStrictEqual(await addressOf('pgm-set', id), { user: 'third', password: 'another', port: 5432 })
  })

  test('a kept password is taken to no other place, nor there less well guarded', async () => {
    const [id = ''] = await register('pgm-kept', 'primary')
    for (const change of [{ Host: 'replica' }, { Port: '5433' }, { SslMode: 'disable' }]) {
      const SetNode = [{ HostInstanceID: id, ...change }]
      assert.equal(await refused('pgm-kept', { SetNode }), 'InvalidParameterCombination', JSON.stringify(change))
    }
    assert.partialDeepStrictEqual(await addressOf('pgm-kept', id), { host: 'primary', port: 5432 })
    await modify('pgm-kept', { SetNode: [{ HostInstanceID: id, Port: '5433', Password: 'given again' }] })
    assert.partialDeepStrictEqual(await addressOf('pgm-kept', id), { port: 5433, password: 'given again' })
  })

  test('nodes that are not there, the last node, and an instance that is not there are refused', async () => {
    const [id = ''] = await register('pgm-last', 'primary')
    assert.equal(await refused('pgm-last', { RemoveNode: '1' }), 'InvalidParameter')
    assert.equal(await refused('pgm-last', { SetNode: [{ HostInstanceID: '1', User: 'a' }] }), 'InvalidParameter')
    assert.equal(await refused('pgm-last', { RemoveNode: id }), 'InvalidParameter')
    assert.equal(await refused('pgm-nowhere', { RemoveNode: id }), 'InvalidDBInstanceName.NotFound')
    assert.equal((await service.catalog.instance('pgm-last'))?.nodes.length, 1)
  })

  test('no change, and a node that is named twice, are refused', async () => {
    const [id = ''] = await register('pgm-twice', 'primary')
    assert.equal(await refused('pgm-twice', {}), 'InvalidParameterCombination')
    const SetNode = [{ HostInstanceID: id, User: 'a' }]
    assert.equal(await refused('pgm-twice', { SetNode, RemoveNode: id }), 'InvalidParameterCombination')
    assert.equal(await refused('pgm-twice', { RemoveNode: `${id},${id}` }), 'InvalidParameterCombination')
  })

  test('nodes of another database, and a second primary, are refused', async () => {
    const [id = ''] = await register('pgm-other', 'primary')
    assert.equal(await refused('pgm-other', { AddNode: [node('stranger')] }), 'DBInstanceMismatch')
    assert.equal(await refused('pgm-other', { AddNode: [node('twin')] }), 'DBInstanceMismatch')
    const SetNode = [{ HostInstanceID: id, Host: 'stranger', Password: 'a' }]
    assert.equal(await refused('pgm-other', { SetNode, AllowUnready: 'true' }), 'DBInstanceMismatch')
  })

  test('a node that does not answer is refused, unless told otherwise; one that stays may be silent', async () => {
    await register('pgm-silent', 'primary', 'nobody')
    assert.equal(await refused('pgm-silent', { AddNode: [node('nobody either')] }), 'InvalidParameter')
    assert.equal(await refused('pgm-silent', { AddNode: [node('nobody-either')] }), 'DBInstanceUnready')
    const reply = await modify('pgm-silent', { AddNode: [node('replica')] })
    assert.deepEqual(hosts(reply), ['primary', 'nobody', 'replica'])
    const { Problem } = reply['Problems'] as { Problem: Record<string, string>[] }
    assert.deepEqual(
      Problem.map(({ Node }) => Node),
      ['nobody:5432'],
    )
    const anyway = await modify('pgm-silent', { AddNode: [node('nobody-either')], AllowUnready: 'true' })
    assert.equal(hosts(anyway).length, 4)
  })

  test('the store gets a new record of the instance, without passwords', async () => {
    await register('pgm-renewed', 'primary')
    await modify('pgm-renewed', { AddNode: [node('replica', { Password: 'a new secret' })] })
    const keys = (await Array.fromAsync(service.store.list('instances/pgm-renewed/'))).map(({ key }) => key)
    assert.equal(keys.length, 2)
    const text = Buffer.concat(await Array.fromAsync(await service.store.get(keys[1] ?? ''))).toString()
    assert.ok(text.includes('replica') && !text.includes('a new secret'))
  })
})

suite('keys', () => {
  const call = (action: string, parameters: Json = {}, key = service.key) =>
    popClient(service.url, key, 'POST').call(action, parameters)
  const keyIds = async () => {
    const { AccessKeys } = await call('ListAccessKeys')
    return (AccessKeys as { AccessKey: { AccessKeyId: string }[] }).AccessKey.map(({ AccessKeyId }) => AccessKeyId)
  }

  test('a key is made with a secret that is shown once, calls, and is ended', async () => {
    const made = await call('CreateAccessKey', { Description: 'for a test' })
    const key = { id: String(made['AccessKeyId']), secret: String(made['AccessKeySecret']) }
    assert.ok((await keyIds()).includes(key.id))
    assert.ok(!JSON.stringify(await call('ListAccessKeys')).includes(key.secret))
    await call('DescribeRegions', {}, key)
    await call('DeleteAccessKey', { UserAccessKeyId: key.id })
    assert.equal((await refusalOf(call('DescribeRegions', {}, key))).code, 'InvalidAccessKeyId.NotFound')
    assert.equal(
      (await refusalOf(call('DeleteAccessKey', { UserAccessKeyId: key.id }))).code,
      'InvalidAccessKeyId.NotFound',
    )
  })

  test('the last key cannot delete itself', async () => {
    assert.deepEqual(await keyIds(), [service.key.id])
    const refused = await refusalOf(call('DeleteAccessKey', { UserAccessKeyId: service.key.id }))
    assert.equal(refused.code, 'OperationDenied.LastAccessKey')
  })
})
