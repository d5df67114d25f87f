import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { setOfManifest } from '../../src/core/set-of-manifest.ts'
import { sqlStatements } from '../../src/engine/postgres/sql-statements.ts'
import { fillRichly } from '../e2e/rich-source.ts'
import { startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { bringInto, compareServers, databasesOf, takeLogical, type TakenSet } from './world.ts'

const OWNED = `
  create role app login password 'secret of app' valid until '2031-01-01';
  create role "Read 'er" in role app;
  alter role app set statement_timeout = '5min';
  comment on role app is 'a role; with -- odd ''words''';
  create database shop owner app encoding 'UTF8' template template0;
  alter database shop set work_mem = '7777kB';
  alter role app in database shop set enable_seqscan = off;
  grant connect on database shop to "Read 'er";
  revoke connect on database shop from public;
  comment on database shop is 'the shop'`

const SHOP = `
  create extension hstore;
  create schema sales authorization app;
  set role app;
  create table sales.orders (id serial primary key, bag hstore, note text);
  insert into sales.orders (bag, note) select hstore('n', g::text), repeat(md5(g::text), 10) from generate_series(1, 3000) g;
  create index on sales.orders (note);
  grant select on sales.orders to "Read 'er";
  create function sales.twice(a int) returns int language sql as $x$ select a * 2; $x$;
  create view sales.seen as select id, sales.twice(id) from sales.orders;
  select lo_from_bytea(0, 'owned by app');
  reset role`

suite('a logical set of a whole instance', () => {
  let source: TestServer
  let set: TakenSet
  before(async () => {
    source = await startPostgres({ version: 15 })
    await fillRichly(source)
    // A database is not made within a transaction.
    for (const statement of sqlStatements(OWNED)) await source.query(statement)
    await source.query(SHOP, 'shop')
    // A replica's row of the same: an unlogged table is emptied where it is compared.
    await source.query('truncate passing')
    set = await takeLogical(source.address)
  })
  after(() => source[Symbol.asyncDispose]())

  test('has a part for each database, found by asking, and one of roles and tablespaces', () => {
    assert.deepEqual(
      set.manifest.parts.map(({ name }) => name).toSorted(),
      ['db/Empty "db', 'db/postgres', 'db/shop', "db/Ödd 'db' $1;\\", 'globals'].toSorted(),
    )
    assert.deepEqual(set.point.warnings, [])
  })

  test('gives a catalog that is rebuilt from its manifest the name of each object', () => {
    const { databases = [] } = setOfManifest(set.manifest, 'key', { size: 1, checksum: () => undefined })
    const keys = set.manifest.parts.map(({ key }) => key)
    assert.deepEqual(
      databases.map(({ name }) => name),
      ['Empty "db', 'postgres', 'shop', "Ödd 'db' $1;\\"],
    )
    for (const { file } of databases) assert.ok(keys.some((key) => key.endsWith(`/${file}`)))
  })

  test('knows of each database when its snapshot was taken, whose it is, and what a restore needs', () => {
    const shop = set.manifest.logical?.databases.find(({ name }) => name === 'shop')
    assert.ok(shop)
    assert.equal(shop.owner, 'app')
    assert.equal(shop.encoding, 'UTF8')
    assert.deepEqual(shop.roles, ["Read 'er", 'app'])
    assert.deepEqual(
      shop.extensions.map(({ name }) => name),
      ['hstore'],
    )
    assert.match(shop.lsn, /^[0-9A-F]+\/[0-9A-F]+$/)
    const moments = (set.manifest.logical?.databases ?? []).map(({ snapshotAt }) => snapshotAt)
    assert.equal(set.point.consistentAt, Math.min(...moments))
    assert.ok(Math.abs(Date.now() - shop.snapshotAt) < 600_000)
  })

  test('comes back whole into an empty server: every row, role, password, right and setting', async () => {
    await using target = await startPostgres({ version: 15 })
    await target.query("create role keeper password 'mine'; create role app nologin")
    const restored = await bringInto(target.address, set, undefined, { tablespaces: false })
    assert.deepEqual(await compareServers(source, target), [])
    assert.deepEqual(await databasesOf(target), await databasesOf(source))
    assert.match(restored.warnings.join(), /stay as they are.*"app", "postgres"/)
    const roleOf = (server: TestServer, name: string) =>
      server.query(`select rolcanlogin, rolpassword, rolvaliduntil from pg_authid where rolname = '${name}'`)
    assert.deepEqual(await roleOf(target, "Read ''er"), await roleOf(source, "Read ''er"))
    // One that was there before is left alone.
    assert.deepEqual(await roleOf(target, 'app'), [{ rolcanlogin: false, rolpassword: null, rolvaliduntil: null }])
    const about = `select array(select unnest(datacl)::text order by 1) as acl, pg_get_userbyid(datdba) as owner, shobj_description(d.oid, 'pg_database') as comment,
      array(select coalesce(r.rolname, '') || s.setconfig::text from pg_db_role_setting s left join pg_roles r on r.oid = setrole where setdatabase = d.oid order by 1) as settings
      from pg_database d where datname = 'shop'`
    assert.deepEqual(await target.query(about), await source.query(about))
    const owners = `select relname, relowner::regrole::text as owner, relacl::text from pg_class where relnamespace = 'sales'::regnamespace order by 1`
    assert.deepEqual(await target.query(owners, 'shop'), await source.query(owners, 'shop'))
    assert.deepEqual(
      await target.query('select lomowner::regrole::text as owner from pg_largeobject_metadata', 'shop'),
      [{ owner: 'app' }],
    )
  })

  test('a second restore is refused before anything changes, naming the database that is not empty', async () => {
    await using target = await startPostgres({ version: 15 })
    await target.query('create database shop')
    await target.query('create table mine (a int)', 'shop')
    await assert.rejects(
      bringInto(target.address, set, undefined, { tablespaces: false }),
      (error) =>
        Fault.is(error, 'conflict') && /"shop".*not empty/.test(error.message) && /--as/.test(error.hint ?? ''),
    )
    assert.deepEqual(await databasesOf(target), ['postgres', 'shop'])
    assert.deepEqual(await target.query("select rolname from pg_roles where rolname = 'app'"), [])
  })

  test('one database comes back under another name, beside its original', async () => {
    await bringInto(source.address, set, [{ database: 'shop', as: 'Shop "2"' }])
    try {
      const sum = `select count(*)::int as n, md5(string_agg(o::text, ',' order by id)) from sales.orders o`
      assert.deepEqual(await source.query(sum, 'Shop "2"'), await source.query(sum, 'shop'))
      const setting = `select current_setting('work_mem') as mem`
      assert.deepEqual(await source.query(setting, 'Shop "2"'), [{ mem: '7777kB' }])
    } finally {
      await source.query('drop database "Shop ""2"""')
    }
  })

  test('a table space that the server cannot make is told, and leaves no database', async () => {
    await using target = await startPostgres({ version: 15 })
    await assert.rejects(
      bringInto(target.address, { ...set }, [{ database: 'postgres', as: 'again' }]),
      (error) => Fault.is(error, 'instance_unready') && /tablespaces "Odd ""space""", "far away"/.test(error.message),
    )
    assert.deepEqual(await databasesOf(target), ['postgres'])
  })

  test('roles that the server lacks are told before it begins; without ownership they are not needed', async () => {
    await using target = await startPostgres({ version: 15 })
    await assert.rejects(
      bringInto(target.address, set, [{ database: 'shop' }]),
      (error) =>
        Fault.is(error, 'instance_unready') &&
        /roles "Read 'er", "app"/.test(error.message) &&
        /--no-owner/.test(error.hint ?? ''),
    )
    assert.deepEqual(await databasesOf(target), ['postgres'])
    await bringInto(target.address, set, [{ database: 'shop' }], { owners: false })
    assert.deepEqual(
      await target.query("select distinct relowner::regrole::text as o from pg_class where relname = 'orders'", 'shop'),
      [{ o: 'postgres' }],
    )
  })

  test('a database that the set has not is told with those it has', async () => {
    await assert.rejects(
      bringInto(source.address, set, [{ database: 'Shop' }]),
      (error) => Fault.is(error, 'not_found') && /"Shop"/.test(error.message) && /"shop"/.test(error.hint ?? ''),
    )
  })

  test('is taken of a replica, too, without the rows of unlogged tables', async () => {
    await using replica = await startReplica(source)
    await source.query('insert into passing values (1)')
    const taken = await takeLogical({ ...replica.address })
    assert.equal(taken.manifest.logical?.fromReplica, true)
    assert.match(taken.manifest.logical?.databases[0]?.lsn ?? '', /^[0-9A-F]+\/[0-9A-F]+$/)
    await source.query('truncate passing')
    await using target = await startPostgres({ version: 15 })
    await bringInto(target.address, taken, undefined, { tablespaces: false })
    assert.deepEqual(await compareServers(source, target), [])
  })

  test('of chosen databases has those and no roles', async () => {
    const taken = await takeLogical(source.address, { databases: ['shop', 'Empty "db'] })
    assert.deepEqual(taken.manifest.parts.map(({ name }) => name).toSorted(), ['db/Empty "db', 'db/shop'])
    assert.equal(taken.manifest.logical?.globals, undefined)
  })

  test('a database of another encoding and name comes back as it was', async () => {
    await source.query(`create database "lätin" encoding 'LATIN1' template template0`)
    const rows = 'select g, note from words order by g'
    try {
      await source.query(`create table words as select g, 'für ' || g as note from generate_series(1, 99) g`, 'lätin')
      const taken = await takeLogical(source.address, { databases: ['lätin'] })
      assert.equal(taken.manifest.logical?.databases[0]?.encoding, 'LATIN1')
      await using target = await startPostgres({ version: 15 })
      await bringInto(target.address, taken)
      assert.deepEqual(await target.query(rows, 'lätin'), await source.query(rows, 'lätin'))
      assert.deepEqual(await target.query(`show server_encoding`, 'lätin'), [{ server_encoding: 'LATIN1' }])
    } finally {
      await source.query('drop database "lätin"')
    }
  })

  test('a locale that the server does not have is told before anything is restored', async () => {
    await source.query(`create database sorted locale 'C.UTF-8' template template0`)
    const taken = await takeLogical(source.address, { databases: ['sorted'] })
    await source.query('drop database sorted')
    await using target = await startPostgres({ version: 15 })
    await assert.rejects(
      bringInto(target.address, taken, undefined, { change: (dump) => dump.replaceAll("'C.UTF-8'", "'x.UTF-8'") }),
      (error) =>
        Fault.is(error, 'instance_unready') &&
        /database "sorted".*invalid locale name/.test(error.message) &&
        /locale-gen/.test(error.hint ?? ''),
    )
    assert.deepEqual(await databasesOf(target), ['postgres'])
  })

  test('a role that may create databases, and no more, restores without ownership', async () => {
    await using target = await startPostgres({ version: 15 })
    await target.query(`create role "little one" login createdb password 'l'`)
    const address = { ...target.address, user: 'little one', password: 'l' }
    const restored = await bringInto(address, set, [{ database: 'shop' }], { owners: false })
    assert.deepEqual(restored.warnings, [])
    const sum = `select count(*)::int as n, md5(string_agg(o::text, ',' order by id)) from sales.orders o`
    assert.deepEqual(await target.query(sum, 'shop'), await source.query(sum, 'shop'))
    await assert.rejects(
      bringInto(address, set, [{ database: 'shop', as: 'owned' }]),
      (error) => Fault.is(error, 'instance_unready') && /roles/.test(error.message),
    )
    await target.query('drop role if exists app')
    await target.query(`create role app; create role "Read 'er"`)
    await assert.rejects(
      bringInto(address, set, [{ database: 'shop', as: 'owned' }]),
      (error) => Fault.is(error, 'instance_unready') && /may give nothing to the roles/.test(error.message),
    )
    await target.query('alter role "little one" nocreatedb')
    await assert.rejects(
      bringInto(address, set, [{ database: 'shop', as: 'owned' }]),
      (error) => Fault.is(error, 'instance_unready') && error.hint === 'Run: ALTER ROLE "little one" CREATEDB;',
    )
    assert.deepEqual(await databasesOf(target), ['postgres', 'shop'])
  })

  test('is not restored into a replica', async () => {
    await using replica = await startReplica(source)
    await assert.rejects(
      bringInto(replica.address, set, [{ database: 'shop', as: 'x' }]),
      (error) => Fault.is(error, 'instance_unready') && /replica/.test(error.message),
    )
  })
})
