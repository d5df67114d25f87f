import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { targetOf } from '../../src/engine/postgres/increment-file.ts'
import { membersOf } from './base-backup-set.ts'
import { openChainWorld, takeMember, type ChainWorld, type Member } from './chain-world.ts'
import { queryRestored } from './restored-server.ts'

suite('a chain of increments of PostgreSQL 18', () => {
  let world: ChainWorld
  let full: Member

  before(async () => {
    world = await openChainWorld()
    await world.server.query('create table plain as select g, md5(g::text) from generate_series(1, 60000) g')
    await world.server.query('create index on plain (md5)')
    // Else the next scan notes on every page which rows are there, and all of them count as changed.
    await world.server.query('vacuum plain')
    full = await takeMember(world.server)
  })
  after(() => world[Symbol.asyncDispose]())

  test('is smaller than a full set, and brings back what the server had at its last member', async () => {
    await world.server.query('update plain set md5 = md5 || g where g < 100')
    const first = await takeMember(world.server, full)
    assert.ok(first.tar.length < full.tar.length / 2, `${first.tar.length} of ${full.tar.length} bytes`)
    const [place] = await world.server.query<{ path: string }>(`select pg_relation_filepath('plain') as path`)
    const blocks = membersOf(first.tar).find(({ entry }) => targetOf(entry.name) === `data/${place?.path}`)
    assert.ok(blocks && blocks.entry.size > 2 * 8192 && blocks.entry.size < 20 * 8192, 'the blocks of few rows came')
    await world.server.query('delete from plain where g > 30000; create table more as select 1 as a')
    await world.server.query('vacuum plain')
    const second = await takeMember(world.server, first)
    assert.deepEqual(await world.compare([full, first, second]), [])
  })

  test('leaves indexes that find their rows, and unlogged tables empty with theirs', async () => {
    await world.server.query('create unlogged table passing (a int primary key)')
    await world.server.query('insert into passing select generate_series(1, 1000)')
    const increment = await takeMember(world.server, full)
    const found = await world.compare([full, increment], async (started) => {
      const [row] = await queryRestored(started, `select count(*)::int as n from passing`)
      assert.deepEqual(row, { n: 0 })
      await queryRestored(started, 'insert into passing values (1); select * from passing where a = 1')
    })
    assert.deepEqual(found, [])
  })
})
