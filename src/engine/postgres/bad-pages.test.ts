import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Ask } from './ask.ts'
import { badPageIn, nameBadPages } from './bad-pages.ts'

/** A server with one relation of this file node, in one database. */
const server =
  (seen: unknown[][], found = true): Ask =>
  async <Row>(sql: string, values: readonly unknown[] = []) => {
    seen.push([...values])
    const row = /pg_database/.test(sql) ? { name: 'shop' } : { name: found ? 'public.orders' : null }
    return [row] as Row[]
  }

suite('bad pages', () => {
  test('are read from the warnings of the server', () => {
    assert.deepEqual(
      badPageIn('checksum verification failed in file "./base/5/16384.1", block 7: calculated 1A but expected 2B'),
      { file: 'base/5/16384.1', block: 7 },
    )
    assert.equal(badPageIn('file "./base/5/16384" has a total of 9 checksum verification failures'), undefined)
  })

  test('are named by relation and database', async () => {
    const seen: unknown[][] = []
    const names = (file: string) =>
      nameBadPages([{ file, block: 7 }], server(seen), async (_, work) => work(server(seen)))
    assert.deepEqual(await names('base/5/16384_fsm.1'), ['public.orders in shop: block 7 of base/5/16384_fsm.1'])
    assert.deepEqual(seen.splice(0), [['5'], ['0', '16384']])
    assert.deepEqual(await names('pg_tblspc/77/PG_15_202209061/5/16384'), [
      'public.orders in shop: block 7 of pg_tblspc/77/PG_15_202209061/5/16384',
    ])
    assert.deepEqual(seen.splice(0), [['5'], ['77', '16384']])
    assert.deepEqual(await names('global/1262'), ['public.orders: block 7 of global/1262'])
    assert.deepEqual(seen.splice(0), [['1664', '1262']])
  })

  test('are named by file where the relation is unknown or the server cannot be asked', async () => {
    const pages = [{ file: 'base/5/16384', block: 7 }]
    const alone = ['block 7 of base/5/16384']
    assert.deepEqual(await nameBadPages(pages, server([]), async (_, work) => work(server([], false))), alone)
    assert.deepEqual(await nameBadPages(pages, server([]), () => Promise.reject(new Error('refused'))), alone)
    assert.deepEqual(
      await nameBadPages([{ file: 'base/5/odd', block: 7 }], server([]), async (_, work) => work(server([]))),
      ['block 7 of base/5/odd'],
    )
  })
})
