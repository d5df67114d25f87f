import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Piece } from '../../src/core/task.ts'
import { Fault } from '../../src/core/fault.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { bringInto, databasesOf, takeLogical, type TakenSet } from './world.ts'

const TABLE = `Tâble ""x""; drop`
const FILL = `
  create schema "S c";
  create schema other;
  create type "S c".colour as enum ('red', 'blue');
  create function "S c".stamp() returns trigger language plpgsql as $$ begin new.note := new.note || '!'; return new; end $$;
  create table other.parents (id int primary key);
  insert into other.parents select g from generate_series(1, 50) g;
  create table "S c".near (id int primary key);
  insert into "S c".near select g from generate_series(1, 9) g;
  create table "S c"."${TABLE}" (
    id serial primary key, up int references "S c"."${TABLE}", near int references "S c".near, parent int references other.parents,
    paint "S c".colour not null, note text check (note <> 'never'));
  insert into "S c"."${TABLE}" (up, near, parent, paint, note)
    select nullif(g, 1) - 1, 1 + g % 9, 1 + g % 50, 'red', md5(g::text) from generate_series(1, 2000) g;
  create unique index "by note" on "S c"."${TABLE}" (note);
  create trigger stamp before insert on "S c"."${TABLE}" for each row execute function "S c".stamp();
  create materialized view "S c".seen as select count(*) as n from "S c"."${TABLE}";
  create table "S c".parted (day int, v text) partition by range (day);
  create table "S c".parted_a partition of "S c".parted for values from (0) to (10);
  create table "S c"."and b" partition of "S c".parted for values from (10) to (20);
  create index on "S c".parted (day);
  insert into "S c".parted select g % 20, g::text from generate_series(1, 500) g`

const sum = (table: string) =>
  `select count(*)::int as n, md5(string_agg(t::text, ',' order by t::text)) from ${table} t`
const NAME = `"S c"."${TABLE}"`
const constraints = (table: string) => `
  select contype::text as kind, count(*)::int as n from pg_constraint where conrelid = '${table}'::regclass group by 1 order by 1`

suite('pieces of a logical set', () => {
  let server: TestServer
  let set: TakenSet
  before(async () => {
    server = await startPostgres({ version: 15 })
    await server.query('create database "Sh op"')
    await server.query(FILL, 'Sh op')
    set = await takeLogical(server.address)
  })
  after(() => server[Symbol.asyncDispose]())

  const bring = (piece: Omit<Piece, 'database'>) => bringInto(server.address, set, [{ database: 'Sh op', ...piece }])
  const ask = (sql: string, database = 'Sh op') => server.query(sql, database)

  test('a table comes back beside its original under another name, with rows, keys, indexes, trigger and a sequence of its own', async () => {
    const { warnings } = await bring({ schema: 'S c', table: TABLE.replaceAll('""', '"'), as: 'again' })
    assert.deepEqual(warnings, [])
    assert.deepEqual(await ask(sum('"S c".again')), await ask(sum(NAME)))
    assert.deepEqual(await ask(constraints('"S c".again')), await ask(constraints(NAME)))
    const indexes = `select count(*)::int as n from pg_index where indrelid = '"S c".again'::regclass`
    assert.deepEqual(await ask(indexes), [{ n: 2 }])
    const next = `insert into "S c".again (paint, note) values ('blue', 'new') returning id, note`
    assert.deepEqual(await ask(next), [{ id: 2001, note: 'new!' }])
    assert.deepEqual(await ask(`select last_value from pg_sequences where sequencename like 'T%'`), [
      { last_value: '2000' },
    ])
    const self = `select confrelid::regclass::text as t from pg_constraint where conrelid = '"S c".again'::regclass and conname like '%up_fkey'`
    assert.deepEqual(await ask(self), [{ t: '"S c".again' }])
    await ask('drop table "S c".again')
    assert.deepEqual(await databasesOf(server), ['Sh op', 'postgres'])
  })

  test('a dropped table comes back into its place', async () => {
    const before = await ask(sum('other.parents'))
    await ask('drop table other.parents cascade')
    await bring({ schema: 'other', table: 'parents' })
    assert.deepEqual(await ask(sum('other.parents')), before)
  })

  test('a partitioned table comes back with its partitions', async () => {
    await bring({ schema: 'S c', table: 'parted', as: 'parted2' })
    assert.deepEqual(await ask(sum('"S c".parted2')), await ask(sum('"S c".parted')))
    assert.deepEqual(await ask(sum('"S c"."parted2_and b"')), await ask(sum('"S c"."and b"')))
    await ask('drop table "S c".parted2')
  })

  test('a schema comes back into another database under another name, and a key that leads to what is not there is told', async () => {
    await ask('create database beside', 'postgres')
    const { warnings } = await bring({ schema: 'S c', as: 'S 2', into: 'beside' })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /foreign key.*parent.*REFERENCES other\.parents/s)
    const [table, copy] = [NAME, NAME.replace('"S c"', '"S 2"')]
    assert.deepEqual(await ask(sum(copy), 'beside'), await ask(sum(table)))
    assert.deepEqual(await ask('select n from "S 2".seen', 'beside'), await ask('select n from "S c".seen'))
    assert.deepEqual(await ask(sum('"S 2".parted'), 'beside'), await ask(sum('"S c".parted')))
    await ask('drop database beside', 'postgres')
  })

  test('the schema public comes back into the empty one that every database has', async () => {
    await ask('create table public.plain as select 1 as a')
    const taken = await takeLogical(server.address, { databases: ['Sh op'] })
    await ask('create database beside', 'postgres')
    await bringInto(server.address, taken, [{ database: 'Sh op', schema: 'public', into: 'beside' }])
    assert.deepEqual(await ask('select a from public.plain', 'beside'), [{ a: 1 }])
    await ask('drop database beside', 'postgres')
  })

  const refused = (what: RegExp, hint: RegExp) => (error: unknown) =>
    Fault.is(error) && what.test(error.message) && hint.test(error.hint ?? '')

  test('what is there already, and what is not, is told before anything is done', async () => {
    await assert.rejects(bring({ schema: 'S c', table: 'near' }), refused(/"S c"."near" already/, /--as/))
    await assert.rejects(bring({ schema: 'S c' }), refused(/schema "S c", which is not empty/, /--as/))
    await assert.rejects(bring({ schema: 'S c', table: 'Near' }), refused(/the set has none/, /upper and lower case/))
    await assert.rejects(bring({ schema: 'none' }), refused(/the set has none/, /as they are/))
    await assert.rejects(
      bring({ schema: 'S c', table: 'near', into: 'nowhere' }),
      refused(/no database "nowhere"/, /--into-database/),
    )
    await assert.rejects(
      bring({ schema: 'S c', table: 'near', into: 'postgres' }),
      refused(/no schema "S c"/, /CREATE SCHEMA "S c"/),
    )
    assert.deepEqual(await databasesOf(server), ['Sh op', 'postgres'])
  })
})
