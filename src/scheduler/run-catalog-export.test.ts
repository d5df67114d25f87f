import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import type { CatalogDump } from '../catalog/catalog.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { listCatalogExports } from '../set/catalog-export.ts'
import { memStore } from '../store/mem.ts'
import { exportOfToday } from './run-catalog-export.ts'

const DAY_MS = 86_400_000
const DUMP: CatalogDump = { version: 3, instances: [], sets: [], keys: [], tasks: [], nodes: [], lastId: 0 }
const recipients = [await identityToRecipient(await generateX25519Identity())]

function world(keep = 3) {
  const clock = new FakeClock('2026-01-02T23:30:00Z')
  const store = memStore(clock)
  const deps = { catalog: { dump: async () => DUMP }, store, clock, log: silentLog, recipients, keep }
  const kept = async () => (await listCatalogExports(store)).map(({ key }) => key.slice(8, 18))
  return { clock, store, deps, kept }
}

suite("the catalog's own export", () => {
  test('is made once a UTC day, by whoever comes first', async () => {
    const { clock, deps, kept } = world()
    const made = await Promise.all([1, 2, 3].map(() => exportOfToday(deps)))
    assert.equal(made.filter(Boolean).length, 1)
    clock.advance(29 * 60_000)
    assert.equal(await exportOfToday(deps), false)
    clock.advance(60_000)
    assert.equal(await exportOfToday(deps), true)
    assert.deepEqual(await kept(), ['2026-01-02', '2026-01-03'])
  })

  test('is kept for as many days as asked for, and the newest also after a long silence', async () => {
    const { clock, deps, kept } = world(3)
    for (let day = 0; day < 5; day++) {
      await exportOfToday(deps)
      clock.advance(DAY_MS)
    }
    assert.deepEqual(await kept(), ['2026-01-04', '2026-01-05', '2026-01-06'])
    clock.advance(365 * DAY_MS)
    await exportOfToday(deps)
    assert.deepEqual(await kept(), ['2026-01-05', '2026-01-06', '2027-01-07'])
  })

  test('takes nothing away that is no export', async () => {
    const { clock, deps, store } = world(1)
    const note = async function* () {
      yield Buffer.from('mine')
    }
    await store.put('catalog/README', note())
    await exportOfToday(deps)
    clock.advance(DAY_MS)
    await exportOfToday(deps)
    assert.equal((await store.stat('catalog/README')).size, 4)
  })
})
