import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { faultyStore } from '../../src/store/faulty.ts'
import type { Piece } from '../../src/core/task.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { emptyStore } from '../lib/set.ts'
import { bringInto, databasesOf, pretendedTool, takeLogical, type TakenSet } from './world.ts'

/** The set, whose store calls `then` when the rows of a part begin to be read: its beginning is read before, to see what it is. */
function tellingReader(set: TakenSet, then: () => void): TakenSet {
  const { store } = set
  let reads = 0
  const get: Store['get'] = async (key, options) => {
    if (key.endsWith('.dump.zst') && options?.start === undefined && ++reads === 2) then()
    return store.get(key, options)
  }
  return { ...set, store: { ...store, get } }
}

const keysOf = async (store: Store) => (await Array.fromAsync(store.list(''))).map(({ key }) => key)

const SERVER_CLIENTS = `select pid from pg_stat_activity where application_name = 'holdfast' and backend_type = 'client backend'`

suite('what may go wrong with a logical set', () => {
  let server: TestServer
  before(async () => {
    server = await startPostgres({ version: 15 })
    await server.query(`create table wide as select g, repeat(md5(g::text), 40) as t from generate_series(1, 30000) g`)
    await server.query(`create role "bäck up" login password 'it''s a \\secret'`)
  })
  after(() => server[Symbol.asyncDispose]())

  const limited = (): NodeAddress => ({ ...server.address, user: 'bäck up', password: `it's a \\secret` })
  const nothingIsLeft = () =>
    eventually(async () => (await server.query(SERVER_CLIENTS)).length === 0, 'no session is left')

  test('a role that may not read a table makes no set, and is told what it needs', async () => {
    await assert.rejects(
      takeLogical(limited()),
      (error) =>
        Fault.is(error, 'engine_failed') &&
        /dump database "postgres": run pg_dump: .*permission denied/s.test(error.message) &&
        error.hint === 'Let the role read everything: GRANT pg_read_all_data TO "bäck up";',
    )
    await nothingIsLeft()
  })

  test('a role that may read data, and no passwords, makes a set that says so', async () => {
    await server.query('grant select on wide to "bäck up"')
    const set = await takeLogical(limited())
    assert.equal(set.manifest.logical?.globals?.rolePasswords, false)
    assert.match(set.point.warnings.join(), /passwords of roles are not in the set/)
    await using target = await startPostgres({ version: 15 })
    await bringInto(target.address, set)
    assert.deepEqual(await target.query(`select rolpassword from pg_authid where rolname = 'bäck up'`), [
      { rolpassword: null },
    ])
  })

  test('a role without the right to replicate is fit for logical sets, and not for physical ones', async () => {
    const engine = postgresEngine({ clock: systemClock })
    const { logical, physical } = engine.can(await engine.probe(limited()))
    assert.deepEqual({ logical, physical }, { logical: true, physical: false })
  })

  test('a database that lets nobody of us in makes no set', async () => {
    await server.query('create database closed')
    await server.query('revoke connect on database closed from public')
    try {
      await assert.rejects(
        takeLogical(limited()),
        (error) =>
          Fault.is(error, 'instance_unready') && error.hint === 'Run: GRANT CONNECT ON DATABASE "closed" TO "bäck up";',
      )
    } finally {
      await server.query('drop database closed')
    }
  })

  test('a server whose pg_dump is not on this machine is told, with the package', async () => {
    await using newer = await startPostgres({ version: 18 })
    await assert.rejects(
      takeLogical(newer.address),
      (error) =>
        Fault.is(error, 'unsupported') &&
        /find pg_dump of PostgreSQL 18 or newer: too old: .*15\.\d+/.test(error.message) &&
        /package postgresql-client-18 /.test(error.hint ?? ''),
    )
    const set = await takeLogical(server.address)
    await assert.rejects(
      bringInto(newer.address, set),
      (error) => Fault.is(error, 'unsupported') && /find pg_restore of PostgreSQL 18 or newer/.test(error.message),
    )
    assert.deepEqual(await databasesOf(newer), ['postgres'])
  })

  test('what a set records is asked of newer servers in their words, and a database half dropped is left out', async () => {
    await using newer = await startPostgres({ version: 18 })
    await newer.query(`create database builtin locale_provider builtin builtin_locale 'C.UTF-8' template template0`)
    await newer.query('create database gone')
    await newer.query(`update pg_database set datconnlimit = -2 where datname = 'gone'`)
    const script = `case "$1" in --version) echo "$(basename "$0") (PostgreSQL) 18.4";; *) printf PGDMP;; esac`
    await using tool = await pretendedTool(['pg_dump', 'pg_dumpall'], script)
    const { manifest } = await takeLogical(newer.address, { binDirs: [tool.directory] })
    assert.equal(manifest.logical?.toolVersion, '18.4')
    const databases = manifest.logical.databases.map(({ name, collation: { provider, locale } }) => [
      name,
      provider,
      locale,
    ])
    assert.deepEqual(databases[0], ['builtin', 'builtin', 'C.UTF-8'])
    assert.deepEqual(
      databases.map(([name]) => name),
      ['builtin', 'postgres'],
    )
  })

  test('a pg_dump that was ended half way makes no set, and leaves nothing of its part', async () => {
    const store = emptyStore()
    const dump = `exec /usr/lib/postgresql/15/bin/pg_dump "$@"`
    const cut = `case "$1" in --version) ${dump};; esac; /usr/lib/postgresql/15/bin/pg_dump "$@" | head -c 1000000; kill -9 $$`
    await using tool = await pretendedTool('pg_dump', cut)
    await assert.rejects(
      takeLogical(server.address, { binDirs: [tool.directory] }, store),
      (error) => Fault.is(error, 'engine_failed') && /pg_dump: was killed by SIGKILL/.test(error.message),
    )
    assert.deepEqual(await keysOf(store), [])
    await nothingIsLeft()
  })

  test('a pg_dump that fails when it has written all is believed to have failed', async () => {
    const store = emptyStore()
    const late = `/usr/lib/postgresql/15/bin/pg_dump "$@" || exit; case "$1" in --version) exit 0;; esac; echo "at the end" >&2; exit 1`
    await using tool = await pretendedTool('pg_dump', late)
    await assert.rejects(
      takeLogical(server.address, { binDirs: [tool.directory] }, store),
      (error) => Fault.is(error, 'engine_failed') && /exited with 1: at the end/.test(error.message),
    )
    assert.deepEqual(await keysOf(store), [])
  })

  test('the server that goes away half way makes no set', async () => {
    const store = emptyStore()
    const slow: Store = {
      ...store,
      put: (key, body, options) => store.put(key, killing(body), options),
    }
    async function* killing(body: AsyncIterable<Uint8Array>) {
      for await (const chunk of body) {
        await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY%'`)
        yield chunk
      }
    }
    const big = `create table big as select g, md5(g::text) || md5((g + 1)::text) as t from generate_series(1, 400000) g`
    await server.query(big)
    await assert.rejects(takeLogical(server.address, {}, slow), (error) => Fault.is(error, 'engine_failed'))
    assert.deepEqual(await keysOf(store), [])
    await server.query('drop table big')
  })

  test('a backup that is given up ends its programs and sessions', async () => {
    const abort = new AbortController()
    const store = emptyStore()
    const stuck: Store = { ...store, put: (key, body, options) => store.put(key, forEver(body), options) }
    async function* forEver(body: AsyncIterable<Uint8Array>) {
      for await (const chunk of body) {
        yield chunk
        abort.abort(new Fault('cancelled', 'enough'))
      }
    }
    await assert.rejects(takeLogical(server.address, {}, stuck, abort.signal), (error) => Fault.is(error, 'cancelled'))
    assert.deepEqual(await keysOf(store), [])
    await nothingIsLeft()
  })

  test('a store that fails is told as that, and no dump goes on', async () => {
    const store = faultyStore(emptyStore(), [{ method: 'put', call: 1, how: 'cut', at: 500_000 }])
    await assert.rejects(takeLogical(server.address, {}, store), (error) => Fault.is(error, 'store_unavailable'))
    await nothingIsLeft()
  })

  test('a damaged part is not restored, and leaves no database', async () => {
    const set = await takeLogical(server.address)
    const [part] = set.manifest.parts.filter(({ name }) => name === 'db/postgres')
    assert.ok(part)
    const bytes = Buffer.concat(await Array.fromAsync(await set.store.get(part.key)))
    const at = Math.floor(bytes.length * 0.7)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await set.store.put(
      part.key,
      (async function* () {
        yield bytes
      })(),
    )
    await assert.rejects(
      bringInto(server.address, set, [{ database: 'postgres', as: 'copy' }], { tablespaces: false }),
      (error) => Fault.is(error, 'store_corrupt') && /part db\/postgres/.test(error.message),
    )
    assert.deepEqual(await databasesOf(server), ['postgres'])
  })

  test('a restore that is given up half way leaves no database, and says that it was given up', async () => {
    const set = await takeLogical(server.address)
    const abort = new AbortController()
    const slow = tellingReader(set, () => abort.abort(new Fault('cancelled', 'enough')))
    const piece = { database: 'postgres', as: 'copy' }
    await assert.rejects(bringInto(server.address, slow, [piece], { signal: abort.signal }), (error) =>
      Fault.is(error, 'cancelled'),
    )
    await eventually(async () => (await databasesOf(server)).join() === 'postgres', 'the draft is dropped')
    await nothingIsLeft()
  })

  test('a name that PostgreSQL would cut is refused', async () => {
    const set = await takeLogical(server.address)
    for (const as of ['x'.repeat(64), 'ü'.repeat(32), '']) {
      await assert.rejects(bringInto(server.address, set, [{ database: 'postgres', as }]), (error) =>
        Fault.is(error, 'invalid'),
      )
    }
  })

  test('a pg_restore that no longer speaks to so old a server is refused before anything is written', async () => {
    const version = (major: number) =>
      `case "$1" in --version) echo "pg_restore (PostgreSQL) ${major}.1";; *) exit 1;; esac`
    await using tool = await pretendedTool('pg_restore', version(17))
    const { store, point, manifest } = await takeLogical(server.address)
    const { logical = assert.fail() } = manifest
    const newer = { ...manifest, logical: { ...logical, toolVersion: '17.1' } }
    const before = await databasesOf(server)
    await assert.rejects(
      bringInto(server.address, { store, point, manifest: newer }, undefined, { binDirs: [tool.directory] }),
      (error) =>
        Fault.is(error, 'unsupported') &&
        /pg_restore of 17 speaks to servers of 17 and newer/.test(error.message) &&
        /by pg_dump 17, which no older pg_restore reads/.test(error.hint ?? ''),
    )
    assert.deepEqual(await databasesOf(server), before)
  })

  test('a pg_restore that cannot read the rows is refused before anything is written', async () => {
    const warning =
      'archive is compressed, but this installation does not support compression (this build does not support compression with zstd) -- no data will be available'
    await using tool = await pretendedTool(
      'pg_restore',
      `case "$1" in --version) ;; *) echo "pg_restore: warning: ${warning}" >&2;; esac; exec /usr/lib/postgresql/15/bin/pg_restore "$@"`,
    )
    const set = await takeLogical(server.address)
    const before = await databasesOf(server)
    const pieces: (readonly Piece[])[] = [
      [{ database: 'postgres', as: 'copy' }],
      [{ database: 'postgres', schema: 'public', table: 'wide', as: 'copy' }],
    ]
    for (const piece of pieces) {
      await assert.rejects(
        bringInto(server.address, set, piece, { binDirs: [tool.directory] }),
        (error) =>
          Fault.is(error, 'unsupported') &&
          /pg_restore was built without zstd/.test(error.message) &&
          error.hint?.startsWith('Install the package postgresql-client-15 '),
      )
    }
    assert.deepEqual(await databasesOf(server), before)
  })

  test('the password is in no argument of a program', async () => {
    await using tool = await pretendedTool(
      'pg_dump',
      `echo "$@" >> "$(dirname "$0")/arguments"; exec /usr/lib/postgresql/15/bin/pg_dump "$@"`,
    )
    await takeLogical(server.address, { binDirs: [tool.directory] })
    const said = await readFile(join(tool.directory, 'arguments'), 'utf8')
    assert.match(said, /--format=custom.*--dbname=dbname='postgres'/)
    assert.ok(!said.includes(server.address.password ?? 'none'))
  })

  test('another cluster at the same address is refused', async () => {
    await assert.rejects(
      takeLogical(server.address, { systemIdentifier: '1' }),
      (error) => Fault.is(error, 'conflict') && /another cluster/.test(error.message),
    )
  })
})
