import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetQuery } from '../../../src/catalog/catalog.ts'
import type { BackupSet } from '../../../src/core/backup-set.ts'
import { backupSet, idsOf, instance, refused, withSets, type Part } from './fixture.ts'

const START = 1_700_000_000_000
const all = { instanceId: 'pg-1', offset: 0, limit: 30 }

/** 240 sets of two instances, many with one start, of all eight kinds in uneven shares. */
const many: readonly BackupSet[] = Array.from({ length: 240 }, (_, at) =>
  backupSet(1000 + ((at * 77) % 240), {
    instanceId: at % 5 === 0 ? 'pg-2' : 'pg-1',
    status: at % 7 === 0 ? 'Failed' : 'Success',
    mode: at % 3 === 0 ? 'Manual' : 'Automated',
    type: at % 11 === 0 ? 'IncrementalBackup' : 'FullBackup',
    startedAt: START + Math.floor(at / 4) * 1500,
    size: at,
    ...(at % 7 === 0 && { checksum: '18446744073709551615' }),
    ...(at % 9 === 0 && { encryption: { format: 'age', mode: 'escrow', recipients: ['0123456789abcdef'] } }),
    ...(at % 13 === 0 && { method: 'Logical', databases: [{ name: `Ödd "${at}"`, file: `db-${at}-_dd.dump.zst` }] }),
  }),
)

/** What the page must be, said plainly. */
function expected(query: SetQuery) {
  const found = many
    .filter(
      (set) =>
        set.instanceId === query.instanceId &&
        (query.setId ?? set.id) === set.id &&
        (query.status ?? set.status) === set.status &&
        (query.mode ?? set.mode) === set.mode &&
        (query.type ?? set.type) === set.type &&
        (query.from ?? 0) <= Math.floor(set.startedAt / 1000) * 1000 &&
        Math.floor(set.startedAt / 1000) * 1000 <= (query.to ?? Infinity),
    )
    .toSorted((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id))
  return { total: found.length, items: found.slice(query.offset, query.offset + query.limit) }
}

export const setsContract: Part = (harness) => {
  test('every page of every filter is the same as a plain search gives', async () => {
    const catalog = await withSets(harness)
    await catalog.addInstance(instance('pg-2'))
    for (const set of many) await catalog.adoptSet(set)
    const bounds = [
      {},
      { from: START + 9000 },
      { to: START + 30_000 },
      { from: START + 3000, to: START + 60_000 },
      { from: START + 10 ** 9 },
    ]
    const pages = [
      [0, 30],
      [30, 30],
      [60, 50],
      [150, 30],
      [180, 100],
      [500, 30],
      [0, 1],
    ] as const
    for (const instanceId of ['pg-1', 'pg-2', 'pg-3'])
      for (const status of [undefined, 'Success', 'Failed'] as const)
        for (const mode of [undefined, 'Manual'] as const)
          for (const type of [undefined, 'IncrementalBackup'] as const)
            for (const within of bounds)
              for (const [offset, limit] of pages) {
                const query = { instanceId, status, mode, type, ...within, offset, limit }
                assert.deepEqual(await catalog.sets(query), expected(query), JSON.stringify(query))
              }
    for (const setId of ['1000', '1001', '5', 'x'])
      for (const over of [{}, { status: 'Failed' }, { mode: 'Manual' }, { to: START }, { offset: 30 }] as const) {
        const query = { ...all, setId, ...over }
        assert.deepEqual(await catalog.sets(query), expected(query), JSON.stringify(query))
      }
    assert.deepEqual(await catalog.check(), [])
  })

  test('a bound takes in the whole second that it names', async () => {
    const starts = [START - 1, START, START + 999, START + 1000]
    const catalog = await withSets(harness, ...starts.map((startedAt, at) => backupSet(at + 1, { startedAt })))
    const ids = async (bounds: object) => (await catalog.sets({ ...all, ...bounds })).items.map(({ id }) => id)
    assert.deepEqual(await ids({ from: START, to: START }), ['3', '2'])
    assert.deepEqual(await ids({ from: START }), ['4', '3', '2'])
    assert.deepEqual(await ids({ to: START }), ['3', '2', '1'])
  })

  test('a set is given back as it was, Success and Failed', async () => {
    const good = backupSet(11, { verifiedAt: 5, size: 2 ** 52, available: false, nodeId: undefined })
    const { manifestKey: _, ...failed } = backupSet(12, {
      status: 'Failed',
      reason: 'no space',
      size: 0,
      consistentAt: undefined,
    })
    const catalog = await withSets(harness, good, { ...failed, manifestKey: undefined })
    assert.deepEqual(await catalog.set('11'), good)
    assert.deepEqual(await catalog.set('12'), { ...failed, manifestKey: undefined })
  })

  test('adopting a known set leaves it as it is', async () => {
    const catalog = await withSets(harness, backupSet(1))
    const version = await catalog.instanceVersion('pg-1')
    assert.equal(await catalog.adoptSet(backupSet(1, { size: 5, startedAt: 1 })), false)
    assert.deepEqual(await catalog.set('1'), backupSet(1))
    assert.equal((await catalog.sets(all)).total, 1)
    assert.equal(await catalog.instanceVersion('pg-1'), version)
    await refused(catalog.adoptSet(backupSet(2, { instanceId: 'pg-9' })), 'not_found')
  })

  test('fresh ids are above every one that was given or adopted, also when all ask at once', async () => {
    const far = 8_000_000_000_000_000
    const catalog = await withSets(harness)
    const ids = await Promise.all(Array.from({ length: 20 }, () => catalog.newId()))
    assert.equal(new Set(ids).size, 20)
    await catalog.adoptSet(backupSet(far))
    assert.equal(await catalog.newId(), String(far + 1))
  })

  test('sets that are removed are in no list at once, and each gets a task', async () => {
    const sets = [1, 2, 3].map((id) => backupSet(id, { startedAt: START + id * 1000 }))
    const catalog = await withSets(harness, ...sets)
    const version = (await catalog.instanceVersion('pg-1')) ?? 0
    const tasks = await catalog.removeSets('pg-1', ['1', '3', '1'])
    assert.deepEqual(
      tasks.map(({ kind, setId, instanceId, state }) => [kind, setId, instanceId, state]),
      [
        ['expire', '3', 'pg-1', 'waiting'],
        ['expire', '1', 'pg-1', 'waiting'],
      ],
    )
    assert.deepEqual(await idsOf(catalog), ['2'])
    assert.equal((await catalog.sets({ ...all, setId: '1' })).total, 0)
    assert.equal((await catalog.set('1'))?.removing, true)
    assert.ok(((await catalog.instanceVersion('pg-1')) ?? 0) > version)
    assert.deepEqual(
      (await catalog.figures()).map(({ succeeded, bytes }) => [succeeded, bytes]),
      [[1, 1000]],
    )
    assert.deepEqual(await catalog.check(), [])
  })

  test('a removal of an unknown, foreign or already hidden set is not_found, and hides none', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    await catalog.addInstance(instance('pg-2'))
    await catalog.adoptSet(backupSet(3, { instanceId: 'pg-2' }))
    await catalog.removeSets('pg-1', ['2'])
    for (const bad of ['3', '4', '2', 'x']) await refused(catalog.removeSets('pg-1', ['1', bad]), 'not_found')
    assert.deepEqual(await idsOf(catalog), ['1'])
    assert.equal((await catalog.tasks({ kind: 'expire' })).length, 1)
  })

  test('a removed set is gone for ever when its task commits', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    await catalog.removeSets('pg-1', ['1'])
    const task = await catalog.claimTask('w', ['expire'], harness.leaseMs)
    await catalog.commitRemoval({ taskId: task?.id ?? '', attempt: 1, worker: 'w' }, '1')
    assert.equal(await catalog.set('1'), undefined)
    assert.equal((await catalog.task(task?.id ?? ''))?.state, 'finished')
    assert.deepEqual(await idsOf(catalog), ['2'])
    assert.deepEqual(await catalog.check(), [])
  })
}
