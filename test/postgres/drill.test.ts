import assert from 'node:assert/strict'
import { chmod, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { checkPages } from '../../src/engine/postgres/check-pages.ts'
import { needRoomLeft, NOTHING } from '../../src/engine/postgres/drill-look.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { TestServer } from '../lib/postgres.ts'
import { memberOf, takeMember, type Member } from './chain-world.ts'
import { isGone, openRestoreWorld, type RestoreWorld } from './restore-world.ts'

const PAGE = 8192
const engine = postgresEngine({ clock: systemClock })

/** Changes bytes of a relation's first page on the disk of a server that is stopped. */
async function spoil(dataDirectory: string, file: string, at: number, bytes: Buffer): Promise<void> {
  await using handle = await open(join(dataDirectory, file), 'r+')
  await handle.write(bytes, 0, bytes.length, at)
}

const fileOf = async (server: TestServer, relation: string): Promise<string> =>
  (await server.query<{ path: string }>(`select pg_relation_filepath('${relation}') as path`))[0]?.path ?? ''

suite('a drill of PostgreSQL 15', () => {
  let world: RestoreWorld
  let set: Member

  before(async () => {
    world = await openRestoreWorld()
    await world.server.query('create database "odd ""name"""')
    await world.server.query(
      'create table wide as select repeat(md5(g::text), 5000) as t from generate_series(1, 20) g',
      'odd "name"',
    )
    await world.server.query('create materialized view unfilled as select * from wide with no data', 'odd "name"')
    await world.server.query('create access method odd type table handler heap_tableam_handler', 'odd "name"')
    await world.server.query('create table other using odd as select * from generate_series(1, 7) t', 'odd "name"')
    await world.server.query('create database dropped')
    await world.server.query(`update pg_database set datconnlimit = -2 where datname = 'dropped'`)
    await world.server.query(`alter database "odd ""name""" set statement_timeout = 1`)
    set = await takeMember(world.server)
  })
  after(() => world[Symbol.asyncDispose]())

  test('starts the set, checks every relation, counts every row and every page, and leaves nothing', async () => {
    const target = world.at('passed')
    const report = await engine.drill(target, [set], {})
    assert.deepEqual(report.problems, [])
    assert.equal(report.warnings.length, 1)
    assert.match(report.warnings.join(), /^database "dropped" cannot be used: .*invalid database/)
    assert.equal(report.started, true)
    assert.deepEqual(
      report.databases.map(({ name, check }) => [name, check]),
      ['odd "name"', 'postgres', 'template1'].map((name) => [name, 'amcheck']),
    )
    const rows = new Map(report.databases.flatMap(({ tables }) => tables.map(({ name, rows: n }) => [name, n])))
    assert.deepEqual(
      ['plain', '"in space"', 'wide', 'unfilled', 'other'].map((name) => rows.get(`public.${name}`)),
      [50_000, 50_000, 20, 0, 7],
    )
    assert.ok(report.databases.every(({ relations, indexes }) => relations > 60 && indexes > 100))
    assert.equal(report.pageChecksums, 'passed')
    assert.ok(report.pages * PAGE > 20_000_000 && report.bytes > report.pages * PAGE, `${report.pages} pages`)
    assert.ok(await isGone(target.directory))
  })

  test('names the part when a stored byte is another', async () => {
    const tar = Buffer.from(set.tar)
    const at = tar.indexOf(Buffer.from('c4ca4238a0b923820dcc509a6f75849b'))
    tar.write('X', at)
    const target = world.at('flipped')
    const report = await engine.drill(target, [memberOf(set.manifest, tar, set.serverManifest)], {})
    assert.equal(report.started, false)
    assert.equal(report.problems.length, 1)
    assert.match(report.problems[0] ?? '', /(base\/\d+|pg_tblspc\/\d+\/PG_[^/]+\/\d+)\/\d+ has another checksum/)
    assert.ok(await isGone(target.directory))
  })

  test('a page with another byte is found by its checksum, whatever else is well', async () => {
    const { dataDirectory } = await restore(world.at('pages'), [set], {})
    const options = { blockSize: PAGE }
    const { pages, bad } = await checkPages(dataDirectory, options)
    assert.ok(pages > 2000)
    assert.deepEqual(bad, [])
    const file = await fileOf(world.server, 'plain')
    await spoil(dataDirectory, file, 3 * PAGE + 5000, Buffer.from('?'))
    assert.deepEqual((await checkPages(dataDirectory, options)).bad, [{ file, block: 3 }])
  })

  test('what keeps it from being done is a fault, and nothing is left', async () => {
    const target = world.at('impossible')
    const other = {
      ...set.manifest,
      postgres: set.manifest.postgres && { ...set.manifest.postgres, serverVersion: 990_001 },
    }
    const impossible = engine.drill(target, [memberOf(other, set.tar, set.serverManifest)], {})
    await assert.rejects(impossible, (error) => Fault.is(error, 'unsupported'))
    assert.ok(await isGone(target.directory))
  })

  test('a directory that the server would not reach is refused before anything is written', async () => {
    const { directory: closed } = world.at('closed')
    await mkdir(closed)
    await chmod(closed, 0)
    const refused = engine.drill(world.at('closed/in'), [set], {})
    await assert.rejects(refused, (error) => Fault.is(error, 'forbidden'))
    await chmod(closed, 0o700)
    assert.deepEqual(await readdir(closed), [])
  })

  test('a full disk under it is no fault of the set', async () => {
    const { directory } = world.at('full')
    await mkdir(directory)
    const report = { ...NOTHING, problems: ['could not extend file'] }
    await assert.rejects(needRoomLeft({ directory }, report, 2 ** 60), (error) => {
      assert.ok(Fault.is(error, 'target_full'))
      assert.match(error.message, /bytes are free there; could not extend file/)
      return true
    })
    await needRoomLeft({ directory }, NOTHING, 2 ** 60)
    await needRoomLeft({ directory }, report, 1)
    await needRoomLeft(world.at('never begun'), report, 2 ** 60)
  })

  test('cancelled in the middle of its checks it ends at once, its server with it', async () => {
    const target = world.at('cancelled')
    const cancelled = new AbortController()
    const drilled = engine.drill(
      target,
      [set],
      {},
      {
        signal: cancelled.signal,
        onProgress: ({ phase }) =>
          void (phase === 'checking' && setTimeout(() => cancelled.abort(new Error('enough')), 700)),
      },
    )
    await assert.rejects(drilled, /enough/)
    assert.ok(await isGone(target.directory))
  })

  test('what a dead worker left running is ended and removed', async () => {
    const target = world.at('left')
    const restored = await restore(target, [set], {})
    const started = await startRestored(restored, { owner: world.owner })
    await using _ = { [Symbol.asyncDispose]: () => started.stop().catch(() => {}) }
    await engine.clear(target.directory)
    await engine.clear(target.directory)
    assert.ok(await isGone(target.directory))
    assert.ok(!(await readdir(world.directory)).includes('left'))
    await assert.rejects(engine.probe(started.address), (error) => Fault.is(error, 'instance_unreachable'))
  })
})

suite('a drill on another machine than that of the database', () => {
  test('blames the set neither for the order of text here, nor for functions that need settings of their users', async () => {
    await using world = await openRestoreWorld()
    const { server } = world
    await server.query(`
      create schema app; create schema users; set search_path = users, app; set app.tenant = 'one';
      create function app.inner_of(t text) returns text language sql immutable as 'select lower(t)';
      create function app.outer_of(t text) returns text language sql immutable as 'select inner_of(t)';
      create function app.of_tenant(t text) returns text language plpgsql immutable
        as 'begin return current_setting(''app.tenant'') || t; end';
      create table public.words as select t from unnest(array['a', 'B', 'c', 'D']) t;
      create index by_path on public.words (outer_of(t));
      create index by_setting on public.words (of_tenant(t))`)
    // As if an older ICU had put capitals first.
    await server.query('create index by_icu on public.words (t collate "C")')
    await server.query(`update pg_collation set collversion = '1' where collname = 'und-x-icu'`)
    await server.query(
      `update pg_index set indcollation = (select oid::text::oidvector from pg_collation where collname = 'und-x-icu') where indexrelid = 'public.by_icu'::regclass`,
    )
    const report = await engine.drill(world.at('elsewhere'), [await takeMember(server)], {})
    assert.deepEqual(report.problems, [])
    const text = report.warnings.join('\n')
    assert.match(text, /public\.by_icu in database postgres: not judged.*another version of its collation/)
    assert.match(text, /public\.by_setting in database postgres: not compared.*"app\.tenant"/)
    assert.doesNotMatch(text, /by_path/)
  })
})

suite('a drill of a cluster that was rotten when it was backed up', () => {
  test('without page checksums: finds the heap and the index that no other check sees', async () => {
    await using world = await openRestoreWorld({ pageChecksums: false })
    const { server } = world
    await server.query('create table good as select g from generate_series(1, 100) g')
    await server.query('create table bad as select g, md5(g::text) as t from generate_series(1, 5000) g')
    await server.query(
      'create table sorted as select g from generate_series(1, 5000) g; create index wrong on sorted (g)',
    )
    await server.query('checkpoint')
    const [heap, index] = [await fileOf(server, 'bad'), await fileOf(server, 'wrong')]
    await server.stop()
    // The transaction that wrote the first row never was, and a key of the index is another.
    await spoil(server.dataDirectory, heap, PAGE - 64, Buffer.from([0xf0, 0xff, 0xff, 0x6f]))
    await spoil(server.dataDirectory, index, PAGE * 2 - 40, Buffer.from([0xff, 0xff, 0xff, 0x7f]))
    await server.start()
    const set = await takeMember(server)
    const report = await engine.drill(world.at('rotten'), [set], {})
    assert.equal(report.pageChecksums, 'not available')
    const text = report.problems.join('\n')
    assert.match(text, /public\.bad in database postgres, block 0/)
    assert.match(text, /public\.wrong in database postgres: /)
    assert.doesNotMatch(text, /good/)
    const rows = new Map(report.databases.flatMap(({ tables }) => tables.map(({ name, rows: n }) => [name, n])))
    assert.equal(rows.get('public.good'), 100)
  })
})
