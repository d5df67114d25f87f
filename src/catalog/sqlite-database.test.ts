import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { refused } from '../../test/contract/catalog/fixture.ts'
import { FakeClock, type Clock } from '../lib/clock.ts'
import type { Database } from './database.ts'
import { openSqlite } from './sqlite.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'))
const opened: Database[] = []
after(async () => {
  for (const database of opened) await database.close()
  await rm(directory, { recursive: true })
})

/** A catalog's database with one table of the real one's, and its path. */
async function fixture(clock: Clock = new FakeClock('2026-01-02T03:04:05Z')) {
  const path = join(directory, `${opened.length}.db`)
  const database = await openSqlite(path, clock)
  opened.push(database)
  using file = new DatabaseSync(path)
  file.exec('create table workers (name text primary key, beat_at integer not null) strict')
  const add = (name: string) =>
    database.write((trx) => trx.insertInto('workers').values({ name, beat_at: 1 }).execute())
  const names = async () =>
    (await database.ask({ sql: 'select name from workers order by name', values: [] })).map(({ name }) => name)
  return { path, database, add, names }
}

const raw = (sql: string) => CompiledQuery.raw(sql)

/** A clock whose sleeps take no time but turn the clock on, and do something each time. */
function turningClock(during: () => void): Clock & { slept: number } {
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  return {
    slept: 0,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    async sleep(ms) {
      this.slept += ms
      clock.advance(ms)
      during()
    },
  }
}

test('the file is in WAL mode and each commit is synced', async () => {
  const { database, path } = await fixture()
  const { rows } = await database.read((db) => db.executeQuery(raw('pragma synchronous')))
  assert.deepEqual(
    rows.map((row) => ({ ...(row as object) })),
    [{ synchronous: 2 }],
  )
  using file = new DatabaseSync(path)
  assert.deepEqual({ ...file.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' })
})

test('hot questions see what is committed, and nothing of a transaction that is under way', async () => {
  const { database, names } = await fixture()
  await database.write(async (trx) => {
    await trx.insertInto('workers').values({ name: 'a', beat_at: 1 }).execute()
    assert.deepEqual(await names(), [])
  })
  assert.deepEqual(await names(), ['a'])
})

test('a transaction that fails leaves nothing, and the next one can begin', async () => {
  const { database, add, names } = await fixture()
  const failing = database.write(async (trx) => {
    await trx.insertInto('workers').values({ name: 'a', beat_at: 1 }).execute()
    throw new Error('on purpose')
  })
  await assert.rejects(failing, /on purpose/)
  await add('b')
  assert.deepEqual(await names(), ['b'])
})

test('transactions of one process take turns', async () => {
  const { database, names } = await fixture()
  let inside = 0
  const one = (name: string) =>
    database.write(async (trx) => {
      assert.equal(++inside, 1)
      await trx.insertInto('workers').values({ name, beat_at: 1 }).execute()
      inside--
    })
  await Promise.all(['a', 'b', 'c', 'd'].map(one))
  assert.deepEqual(await names(), ['a', 'b', 'c', 'd'])
})

test('a story is answered as of one moment', async () => {
  const { database, path } = await fixture()
  using file = new DatabaseSync(path)
  const count = { sql: 'select count(*) as count from workers', values: [] }
  const seen = await database.hot(function* () {
    const before = yield count
    file.exec(`insert into workers values ('other', 1)`)
    const after_ = yield count
    return [before[0]?.['count'], after_[0]?.['count']]
  })
  assert.deepEqual(seen, [0, 0])
  assert.equal((await database.ask(count))[0]?.['count'], 1)
})

test('a transaction that finds another writer waits by the clock and is done whole, its work begun again', async () => {
  let other: DatabaseSync | undefined
  let turns = 0
  const clock = turningClock(() => {
    if (++turns === 3) other?.exec('commit')
  })
  const { path, database, names } = await fixture(clock)
  other = new DatabaseSync(path)
  other.exec(`begin immediate; insert into workers values ('other', 1)`)
  let begun = 0
  await database.write(async (trx) => {
    begun++
    await trx.insertInto('workers').values({ name: 'ours', beat_at: 1 }).execute()
  })
  other.close()
  assert.equal(turns, 3)
  assert.equal(begun, 1)
  assert.deepEqual(await names(), ['other', 'ours'])
})

test('a writer that stays in the way is catalog_unavailable in half a minute', async () => {
  const clock = turningClock(() => {})
  const { path, database, add, names } = await fixture(clock)
  using other = new DatabaseSync(path)
  other.exec('begin immediate')
  await refused(add('ours'), 'catalog_unavailable')
  assert.ok(clock.slept > 29_000 && clock.slept < 31_000, String(clock.slept))
  assert.deepEqual(await names(), [])
  other.exec('rollback')
  await add('ours')
  assert.deepEqual(await database.integrity(), [])
})

test('a full disk is catalog_unavailable, leaves nothing half written and passes', async () => {
  const { database, add, names } = await fixture()
  await add('a')
  await database.read((db) => db.executeQuery(raw('pragma max_page_count = 1')))
  await refused(add('x'.repeat(100_000)), 'catalog_unavailable')
  assert.deepEqual(await names(), ['a'])
  await database.read((db) => db.executeQuery(raw('pragma max_page_count = 100000')))
  await add('b')
  assert.deepEqual(await names(), ['a', 'b'])
})
