import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog, Once } from '../../../src/catalog/catalog.ts'
import { ALL_RIGHTS } from '../../../src/core/access-key.ts'
import { backupSet, claim, instance, node, refused, withSets, type Part } from './fixture.ts'

const once = (nonce: string, expiresAt = Number.MAX_SAFE_INTEGER): Once => ({ keyId: 'HF1', nonce, expiresAt })
const key = (id: string, createdAt = 5) => ({ id, description: `about ${id}`, createdAt })

/** A catalog that holds something of everything. */
async function full(catalog: Catalog): Promise<void> {
  await catalog.addInstance(instance('pg-1', { nodes: [node('a'), node('b', 'replica', '5')] }))
  await catalog.addInstance(instance('pg-2'))
  await catalog.deregisterInstance('pg-2', 9)
  await catalog.adoptSet(backupSet(11, { startedAt: 1000, endedAt: 4000 }))
  await catalog.adoptSet(backupSet(12, { parentId: '11', type: 'IncrementalBackup', startedAt: 5000, endedAt: 6000 }))
  await catalog.adoptSet(backupSet(13, { status: 'Failed', reason: 'x', manifestKey: undefined, size: 0 }))
  await catalog.adoptSet(backupSet(14, { instanceId: 'pg-2' }))
  await catalog.removeSets('pg-2', ['14'])
  await catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '12', request: { a: [1] } })
  await catalog.addTask({ kind: 'take-backup', instanceId: 'pg-1', request: {} })
  await catalog.addKey(key('HF1'), 'secret one')
}

export const serviceContract: Part = (harness) => {
  const { leaseMs } = harness

  test('a nonce is spent with its change: the same one again is replayed and changes nothing', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    const before = await catalog.instance('pg-1')
    await catalog.addKey(key('HF2'), 's', once('n'))
    const changes: (() => Promise<unknown>)[] = [
      () => catalog.addInstance(instance('pg-2'), once('n')),
      () => catalog.updateInstance('pg-1', { description: 'x' }, once('n')),
      () => catalog.deregisterInstance('pg-1', 5, once('n')),
      () => catalog.removeSets('pg-1', ['1'], once('n')),
      () => catalog.addTask({ kind: 'take-backup', instanceId: 'pg-1', request: {} }, once('n')),
      () => catalog.cancelTask('1', once('n')),
      () => catalog.addKey(key('HF3'), 's', once('n')),
      () => catalog.removeKey('HF2', once('n')),
    ]
    for (const change of changes) await refused(change(), 'replayed')
    assert.deepEqual(await catalog.instance('pg-1'), before)
    assert.deepEqual(await catalog.tasks({}), [])
    assert.deepEqual(
      (await catalog.keys()).map(({ id }) => id),
      ['HF2'],
    )
    await catalog.removeKey('HF2', { ...once('n'), keyId: 'HF9' })
  })

  test('of many calls with one nonce at once one is done', async () => {
    const catalog = await harness.open()
    const calls = Array.from({ length: 6 }, (_, at) => catalog.addInstance(instance(`pg-${at}`), once('same')))
    const done = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled')
    assert.equal(done.length, 1)
    assert.equal((await catalog.instances({ registeredOnly: true, offset: 0, limit: 9 })).total, 1)
  })

  test('a change that fails spends no nonce', async () => {
    const catalog = await harness.open()
    await refused(catalog.removeKey('HF1', once('n')), 'not_found')
    await catalog.addKey(key('HF1'), 's', once('n'))
  })

  test('tidying up forgets nonces past their time, and no other', async () => {
    const catalog = await harness.open()
    await catalog.addKey(key('HF1'), 's', once('old', 1000))
    await catalog.addKey(key('HF2'), 's', once('new'))
    await catalog.tidy()
    await catalog.addKey(key('HF3'), 's', once('old', 1000))
    await refused(catalog.addKey(key('HF4'), 's', once('new')), 'replayed')
  })

  test('access keys are listed without secrets, oldest first, and each opens its own', async () => {
    const catalog = await harness.open()
    await catalog.addKey(key('HF2', 6), 'two')
    await catalog.addKey(key('HF1', 5), 'one')
    assert.deepEqual(await catalog.keys(), [
      { ...key('HF1', 5), ...ALL_RIGHTS },
      { ...key('HF2', 6), ...ALL_RIGHTS },
    ])
    assert.deepEqual(
      [(await catalog.signingKey('HF1'))?.secret, (await catalog.signingKey('HF2'))?.secret],
      ['one', 'two'],
    )
    await refused(catalog.addKey(key('HF1'), 'x'), 'conflict')
    await catalog.removeKey('HF1')
    assert.equal((await catalog.signingKey('HF1'))?.secret, undefined)
    await refused(catalog.removeKey('HF1'), 'not_found')
    await catalog.addKey(key('HF1'), 'anew')
    assert.equal((await catalog.signingKey('HF1'))?.secret, 'anew')
  })

  test('the time since the last beat of any worker is told; none ever is undefined', async () => {
    const catalog = await harness.open()
    assert.equal(await catalog.sinceLastBeat(), undefined)
    await catalog.beat('one')
    await harness.pass(leaseMs)
    assert.ok(((await catalog.sinceLastBeat()) ?? 0) >= leaseMs - 1)
    await catalog.beat('two')
    await catalog.tidy()
    const since = await catalog.sinceLastBeat()
    assert.ok(since !== undefined && since < leaseMs - 1)
  })

  test('figures tell of each instance its sets, their bytes and its last success, kept or not', async () => {
    const catalog = await withSets(
      harness,
      backupSet(1, { startedAt: 1000, endedAt: 9000, size: 10 }),
      backupSet(2, { startedAt: 2000, endedAt: 5000, size: 20, mode: 'Automated' }),
      backupSet(3, { startedAt: 8000, endedAt: 9999, size: 0, status: 'Failed' }),
    )
    await catalog.addInstance(instance('pg-2'))
    const none = { succeeded: 0, failed: 0, bytes: 0, lastSuccessAt: undefined, lastDurationMs: undefined }
    const last = { lastSuccessAt: 9000, lastDurationMs: 8000 }
    assert.deepEqual(await catalog.figures(), [
      { instanceId: 'pg-1', succeeded: 2, failed: 1, bytes: 30, ...last },
      { instanceId: 'pg-2', ...none },
    ])
    await catalog.removeSets('pg-1', ['1'])
    assert.deepEqual((await catalog.figures())[0], { instanceId: 'pg-1', succeeded: 1, failed: 1, bytes: 20, ...last })
  })

  test('figures of tasks count them by kind and state', async () => {
    const catalog = await withSets(harness)
    for (let count = 0; count < 3; count++) await catalog.addTask({ kind: 'expire', request: {} })
    await catalog.addTask({ kind: 'sweep', request: {} })
    await catalog.finishTask(await claim(catalog, 'expire', leaseMs), {})
    assert.deepEqual(await catalog.taskFigures(), [
      { kind: 'expire', state: 'finished', count: 1 },
      { kind: 'expire', state: 'waiting', count: 2 },
      { kind: 'sweep', state: 'waiting', count: 1 },
    ])
  })

  test('what is dumped and loaded is the same catalog', async () => {
    const from = await harness.open()
    await full(from)
    const dump = await from.dump()
    const into = await harness.open()
    await into.load(JSON.parse(JSON.stringify(dump)) as typeof dump)
    assert.deepEqual(await into.dump(), dump)
    assert.deepEqual(await into.figures(), await from.figures())
    assert.deepEqual(await into.check(), [])
    assert.equal((await into.signingKey('HF1'))?.secret, 'secret one')
    await refused(into.removeSets('pg-1', ['12']), 'locked')
    await refused(into.addTask({ kind: 'take-backup', instanceId: 'pg-1', request: {} }), 'locked')
    assert.ok(Number(await into.newId()) > dump.lastId)
  })

  test('a dump is loaded only into an empty catalog, and only if it is not newer than the program', async () => {
    const catalog = await harness.open()
    const dump = await catalog.dump()
    await refused(catalog.load({ ...dump, version: dump.version + 1 }), 'too_new')
    await catalog.addKey(key('HF1'), 's')
    await refused(catalog.load(dump), 'conflict')
  })

  test('a full catalog passes its own check', async () => {
    const catalog = await harness.open()
    await full(catalog)
    assert.deepEqual(await catalog.check(), [])
  })
}
