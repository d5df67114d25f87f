import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInstanceRecords } from '../../src/set/instance-record.ts'
import { workerWorld } from '../lib/worker-world.ts'

test('an instance whose registration was cut short before its record has one beside its first set', async () => {
  await using world = await workerWorld()
  const records = async () =>
    (await Array.fromAsync(readInstanceRecords(world.store))).map(({ instance }) => instance?.id)
  assert.deepEqual(await records(), [])
  await world.askBackup()
  assert.equal((await world.doNext())?.state, 'finished')
  assert.deepEqual(await records(), ['pgm-1'])
})

test('whatever of an instance was changed but not recorded, the next sweep records once', async () => {
  await using world = await workerWorld()
  const sweepAndRead = async () => {
    await world.catalog.addTask({ kind: 'sweep', request: {} })
    assert.equal((await world.doNext())?.state, 'finished')
    const found = await Array.fromAsync(readInstanceRecords(world.store))
    return found.map(({ key, instance }) => [key.slice(-6, -5), instance?.description, instance?.deregisteredAt])
  }
  assert.deepEqual(await sweepAndRead(), [['1', '', undefined]], 'a registration')
  await world.catalog.updateInstance('pgm-1', { description: 'orders' })
  assert.deepEqual(await sweepAndRead(), [['2', 'orders', undefined]], 'a change')
  assert.deepEqual(await sweepAndRead(), [['2', 'orders', undefined]], 'nothing new')
  await world.catalog.deregisterInstance('pgm-1', 7)
  assert.deepEqual(await sweepAndRead(), [['3', 'orders', 7]], 'its end')
})
