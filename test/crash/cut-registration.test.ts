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
