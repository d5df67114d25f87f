import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bytes, whole } from '../../test/contract/store.ts'
import { emptyStore } from '../../test/lib/set.ts'
import { DEFAULT_SETTINGS, type Instance } from '../core/instance.ts'
import { readInstanceRecords, writeInstanceRecord } from './instance-record.ts'

const INSTANCE: Instance = {
  id: 'pg-orders',
  engine: 'postgres',
  engineVersion: '15.0',
  description: 'orders of the shop',
  settings: DEFAULT_SETTINGS,
  systemIdentifier: '7300000000000000001',
  createdAt: 1_767_323_045_678,
  deregisteredAt: undefined,
  version: 5,
  nodes: [
    {
      id: '3',
      instanceId: 'pg-orders',
      role: 'primary',
      address: { host: 'db1', port: 5432, user: 'backup', password: 'hunter2', sslMode: 'verify-full' },
    },
    {
      id: '4',
      instanceId: 'pg-orders',
      role: 'replica',
      address: { host: 'db2', port: 5433, user: 'backup', sslMode: 'disable' },
    },
  ],
}
const all = async (store: ReturnType<typeof emptyStore>) => Array.fromAsync(readInstanceRecords(store))
const keysOf = async (store: ReturnType<typeof emptyStore>) =>
  (await Array.fromAsync(store.list(''))).map(({ key }) => key)

suite('instance records in a store', () => {
  test('what was written is read, but for passwords and what only a catalog knows', async () => {
    const store = emptyStore()
    const key = await writeInstanceRecord(store, INSTANCE)
    assert.equal(key, 'instances/pg-orders/000000000001.json')
    const { version: _version, nodes, ...rest } = INSTANCE
    const addresses = nodes.map(({ id, role, address: { password: _password, ...address } }) => ({ id, role, address }))
    assert.deepEqual(await all(store), [{ key, instance: { ...rest, nodes: addresses } }])
    assert.ok(!(await whole(await store.get(key))).includes('hunter2'))
  })

  test('a change is a new object, and the newest counts', async () => {
    const store = emptyStore()
    await writeInstanceRecord(store, INSTANCE)
    await writeInstanceRecord(store, { ...INSTANCE, description: 'renamed' })
    await writeInstanceRecord(store, { ...INSTANCE, id: 'pg-other' })
    assert.deepEqual(await keysOf(store), [
      'instances/pg-orders/000000000001.json',
      'instances/pg-orders/000000000002.json',
      'instances/pg-other/000000000001.json',
    ])
    assert.deepEqual(
      (await all(store)).map(({ instance }) => instance?.description),
      ['renamed', 'orders of the shop'],
    )
  })

  test('what is as it was is not written again', async () => {
    const store = emptyStore()
    const key = await writeInstanceRecord(store, INSTANCE)
    assert.equal(await writeInstanceRecord(store, { ...INSTANCE, version: 6 }), key)
    assert.equal((await keysOf(store)).length, 1)
  })

  test('many that write at once overwrite nothing', async () => {
    const store = emptyStore()
    await Promise.all(
      Array.from({ length: 9 }, (_, i) => writeInstanceRecord(store, { ...INSTANCE, description: `${i}` })),
    )
    const texts = await Promise.all(
      (await keysOf(store)).map(async (key) => (await whole(await store.get(key))).toString()),
    )
    const kept = texts.map((text) => (JSON.parse(text) as { description: string }).description)
    assert.deepEqual(
      kept.toSorted(),
      Array.from({ length: 9 }, (_, i) => `${i}`),
    )
  })

  test('a record that cannot be read, or is newer, comes with its fault, and the rest is read', async () => {
    const store = emptyStore()
    await writeInstanceRecord(store, INSTANCE)
    await store.put('instances/broken/000000000001.json', bytes('{}'))
    await store.put('instances/newer/000000000001.json', bytes('{"format":"holdfast-instance","version":2}'))
    await store.put('instances/newer/notes.txt', bytes('x'))
    assert.deepEqual(
      (await all(store)).map(({ key, fault }) => [key.split('/')[1], fault?.code]),
      [
        ['broken', 'store_corrupt'],
        ['newer', 'too_new'],
        ['pg-orders', undefined],
      ],
    )
  })
})
