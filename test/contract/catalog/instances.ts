import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../../src/core/instance.ts'
import { backupSet, instance, node, refused, withSets, type Part } from './fixture.ts'

export const instancesContract: Part = (harness) => {
  test('an instance is given back as it was added, primary first, with its passwords', async () => {
    const catalog = await harness.open()
    const nodes = [node('r', 'replica'), node('p'), node('q', 'replica')]
    const added = await catalog.addInstance(instance('pg-1', { nodes, systemIdentifier: undefined }))
    assert.deepEqual(await catalog.instance('pg-1'), added)
    assert.deepEqual(
      added.nodes.map(({ role, address, instanceId }) => [role, address, instanceId]),
      [nodes[1], nodes[0], nodes[2]].map((each) => [each?.role, each?.address, 'pg-1']),
    )
    const { nodes: _, version, ...rest } = added
    const { nodes: __, ...expected } = instance('pg-1', { systemIdentifier: undefined })
    assert.deepEqual(rest, { ...expected, deregisteredAt: undefined })
    assert.equal(version, 1)
  })

  test('a node without password and an address with a certificate come back as they were', async () => {
    const catalog = await harness.open()
    const address = {
      host: '::1',
      port: 1,
      user: 'ü',
      database: 'd',
      sslMode: 'verify-ca',
      sslRootCert: 'PEM',
    } as const
    const added = await catalog.addInstance(instance('pg-1', { nodes: [{ role: 'primary', address }] }))
    assert.deepEqual(added.nodes[0]?.address, address)
  })

  test('an id that is registered cannot be added again, and nothing changes', async () => {
    const catalog = await harness.open()
    const first = await catalog.addInstance(instance('pg-1'))
    await refused(catalog.addInstance(instance('pg-1', { description: 'other', nodes: [node('other')] })), 'conflict')
    assert.deepEqual(await catalog.instance('pg-1'), first)
  })

  test('an id of a node that is taken is refused, and nothing is added', async () => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1', { nodes: [node('a', 'primary', '5')] }))
    await refused(catalog.addInstance(instance('pg-2', { nodes: [node('b', 'primary', '5')] })), 'conflict')
    assert.equal(await catalog.instance('pg-2'), undefined)
  })

  test('an instance that is deregistered keeps its sets and loses its passwords', async () => {
    const catalog = await withSets(harness, backupSet(1))
    await catalog.deregisterInstance('pg-1', 5000)
    const left = await catalog.instance('pg-1')
    assert.equal(left?.deregisteredAt, 5000)
    assert.deepEqual(
      left?.nodes.map(({ address }) => [address.host, address.password]),
      [['pg-1.example', undefined]],
    )
    assert.equal((await catalog.sets({ instanceId: 'pg-1', offset: 0, limit: 30 })).total, 1)
    await refused(catalog.deregisterInstance('pg-1', 6000), 'not_found')
    await refused(catalog.deregisterInstance('pg-2', 6000), 'not_found')
  })

  test('an instance with a backup that has not ended cannot be deregistered', async () => {
    const catalog = await withSets(harness)
    const { id } = await catalog.addTask({ kind: 'take-backup', instanceId: 'pg-1', request: {} })
    await refused(catalog.deregisterInstance('pg-1', 5000), 'locked')
    assert.equal((await catalog.instance('pg-1'))?.deregisteredAt, undefined)
    await catalog.cancelTask(id)
    await catalog.deregisterInstance('pg-1', 5000)
  })

  test('a deregistered instance is taken up again: the same servers have the same ids, and its version goes on', async () => {
    const catalog = await harness.open()
    const before = await catalog.addInstance(instance('pg-1', { nodes: [node('a'), node('b', 'replica')] }))
    await catalog.deregisterInstance('pg-1', 5000)
    const again = instance('pg-1', { description: 'again', nodes: [node('b'), node('c', 'replica')] })
    const after = await catalog.addInstance(again)
    assert.equal(after.deregisteredAt, undefined)
    assert.equal(after.description, 'again')
    assert.equal(after.version, before.version + 2)
    assert.equal(after.nodes[0]?.id, before.nodes[1]?.id)
    assert.ok(Number(after.nodes[1]?.id) > Number(before.nodes[1]?.id))
    assert.deepEqual(
      after.nodes.map(({ address }) => address.password),
      ['pass of b', 'pass of c'],
    )
  })

  test('instances are listed by id, a page at a time, with their total', async () => {
    const catalog = await harness.open()
    for (const id of ['pg-c', 'pg-a', 'PG-b', 'pg-d']) await catalog.addInstance(instance(id))
    const page = async (offset: number, limit: number) => {
      const { total, items } = await catalog.instances({ registeredOnly: true, offset, limit })
      return [total, ...items.map(({ id }) => id)]
    }
    // Byte order, the same on every database: capitals first.
    assert.deepEqual(await page(0, 3), [4, 'PG-b', 'pg-a', 'pg-c'])
    assert.deepEqual(await page(3, 3), [4, 'pg-d'])
    assert.deepEqual(await page(6, 3), [4])
    const { items } = await catalog.instances({ registeredOnly: true, offset: 0, limit: 9 })
    assert.deepEqual(
      items.map(({ nodes }) => nodes[0]?.address.host),
      ['PG-b', 'pg-a', 'pg-c', 'pg-d'].map((id) => `${id}.example`),
    )
  })

  test('instances are found by id, engine, registration and a part of id or description', async () => {
    const catalog = await harness.open()
    await catalog.addInstance(instance('pg-1', { description: '100% Sales_DB' }))
    await catalog.addInstance(instance('pg-2', { description: 'stock' }))
    await catalog.deregisterInstance('pg-2', 5000)
    const find = async (query: object) => {
      const page = await catalog.instances({ registeredOnly: false, offset: 0, limit: 30, ...query })
      assert.equal(page.total, page.items.length)
      return page.items.map(({ id }) => id)
    }
    assert.deepEqual(await find({}), ['pg-1', 'pg-2'])
    assert.deepEqual(await find({ registeredOnly: true }), ['pg-1'])
    assert.deepEqual(await find({ id: 'pg-2' }), ['pg-2'])
    assert.deepEqual(await find({ engine: 'mariadb' }), [])
    assert.deepEqual(await find({ engine: 'postgres' }), ['pg-1', 'pg-2'])
    assert.deepEqual(await find({ search: 'sales' }), ['pg-1'])
    assert.deepEqual(await find({ search: 'G-2' }), ['pg-2'])
    assert.deepEqual(await find({ search: '%' }), ['pg-1'])
    assert.deepEqual(await find({ search: 's_d' }), ['pg-1'])
    assert.deepEqual(await find({ search: 's-d' }), [])
    assert.deepEqual(await find({ search: '\\' }), [])
  })

  test('an update changes what it names and nothing else', async () => {
    const catalog = await harness.open()
    const before = await catalog.addInstance(instance('pg-1', { nodes: [node('a'), node('b', 'replica')] }))
    const [a, b] = before.nodes
    const after = await catalog.updateInstance('pg-1', { settings: { preferReplica: true }, engineVersion: '19.0' })
    assert.deepEqual(after, {
      ...before,
      version: 2,
      engineVersion: '19.0',
      settings: { ...DEFAULT_SETTINGS, preferReplica: true },
    })
    const turned = await catalog.updateInstance('pg-1', {
      roles: { [a?.id ?? '']: 'replica', [b?.id ?? '']: 'primary' },
    })
    assert.deepEqual(
      turned.nodes.map(({ id, role }) => [id, role]),
      [
        [b?.id, 'primary'],
        [a?.id, 'replica'],
      ],
    )
    const changed = await catalog.updateInstance('pg-1', {
      removeNodes: [a?.id ?? ''],
      addNodes: [node('c', 'replica')],
    })
    assert.deepEqual(
      changed.nodes.map(({ address }) => [address.host, address.password]),
      [
        ['b', 'pass of b'],
        ['c', 'pass of c'],
      ],
    )
    assert.deepEqual(await catalog.instance('pg-1'), changed)
  })

  test('an update of an unknown instance or node is not_found and changes nothing', async () => {
    const catalog = await harness.open()
    const before = await catalog.addInstance(instance('pg-1'))
    await refused(catalog.updateInstance('pg-2', { description: 'x' }), 'not_found')
    await refused(catalog.updateInstance('pg-1', { description: 'x', roles: { '1': 'replica' } }), 'not_found')
    await refused(catalog.updateInstance('pg-1', { description: 'x', removeNodes: ['abc'] }), 'not_found')
    assert.deepEqual(await catalog.instance('pg-1'), before)
  })

  test('unknown ids of any form are undefined for readers', async () => {
    const catalog = await harness.open()
    for (const id of ['', 'x', '0', '-1', '1e3', '9007199254740993', '99999999999999999999', "'"]) {
      assert.equal(await catalog.instance(id), undefined)
      assert.equal(await catalog.instanceVersion(id), undefined)
      assert.equal(await catalog.set(id), undefined)
      assert.equal(await catalog.task(id), undefined)
      assert.deepEqual(await catalog.tasks({ id }), [])
      assert.equal((await catalog.signingKey(id))?.secret, undefined)
    }
  })
}
