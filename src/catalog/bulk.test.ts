import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { backupSet, instance } from '../../test/contract/catalog/fixture.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import { bulkSets } from './bulk.ts'
import { openCatalog } from './open.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-bulk-'))
after(() => rm(directory, { recursive: true }))

const place = (name: string) => ({
  url: `sqlite:${join(directory, name)}`,
  sealer: createSealer([Buffer.alloc(32, 1)], (message) => new Error(message)),
  clock: new FakeClock('2026-01-02T03:04:05Z'),
  log: silentLog,
})

const START = 1_700_000_000_000
const many = Array.from({ length: 2400 }, (_, at) =>
  backupSet(at + 1, {
    startedAt: START + at * 1000,
    endedAt: START + at * 1000 + 500,
    status: at % 7 === 0 ? 'Failed' : 'Success',
    mode: at % 3 === 0 ? 'Manual' : 'Automated',
    ...(at % 10 === 9 ? { parentId: String(at), type: 'IncrementalBackup' as const } : {}),
    held: at % 10 === 8,
  }),
)

test('sets added in bulk are as if each had been adopted', async () => {
  const [bulk, single] = [place('bulk.db'), place('single.db')]
  const some = many.slice(0, 60)
  for (const options of [bulk, single]) {
    const catalog = await openCatalog(options)
    await catalog.addInstance(
      instance('pg-1', { nodes: [{ role: 'primary', address: { host: 'h', port: 1, user: 'u', sslMode: 'prefer' } }] }),
    )
    if (options === single) for (const set of some) await catalog.adoptSet(set)
    else assert.equal(await bulkSets(options, some), 60)
    await catalog.close()
  }
  const [a, b] = [await openCatalog(bulk), await openCatalog(single)]
  assert.deepEqual((await a.dump()).sets, (await b.dump()).sets)
  assert.deepEqual((await a.dump()).lastId, (await b.dump()).lastId)
  assert.deepEqual(await a.figures(), await b.figures())
  assert.deepEqual([await a.check(), await b.check()], [[], []])
  await a.close()
  await b.close()
})

test('a page far from both ends is the right one, with and without a filter', async () => {
  const options = place('deep.db')
  const catalog = await openCatalog(options)
  await catalog.addInstance(instance('pg-1'))
  await bulkSets(options, many)
  const newest = many.toReversed()
  const manual = newest.filter(({ mode }) => mode === 'Manual')
  for (let offset = 0; offset <= 2400; offset += 150) {
    const page = { instanceId: 'pg-1', offset, limit: 50 }
    assert.deepEqual(await catalog.sets(page), { total: 2400, items: newest.slice(offset, offset + 50) })
    const filtered = await catalog.sets({ ...page, mode: 'Manual' })
    assert.deepEqual(filtered, { total: 800, items: manual.slice(offset, offset + 50) })
    const bounded = await catalog.sets({ ...page, from: START, to: START + 1_999_000 })
    assert.deepEqual(bounded, { total: 2000, items: newest.slice(400 + offset, 450 + offset) })
  }
  await catalog.close()
})
