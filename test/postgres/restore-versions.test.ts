import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { checkRestored } from '../../src/engine/postgres/restore-check.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { createClusterLayout, startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { eventually } from '../lib/eventually.ts'
import { takeSet } from './engine-set.ts'
import { queryRestored } from './restored-server.ts'

const SUM = `select count(*)::int as n, md5(string_agg(p::text, ',' order by g)) as sum from "in space" p`
const engine = postgresEngine({ clock: systemClock })

async function fill(server: TestServer): Promise<void> {
  await server.addTablespace('Odd space')
  await server.query(
    'create table "in space" tablespace "Odd space" as select g, md5(g::text) from generate_series(1, 20000) g',
  )
  await server.query('create index "by sum" on "in space" (md5)')
  await server.query('create unlogged table passing as select 1 as a')
  await server.query('create database "Empty db"')
}

const layouts: Record<string, () => Promise<TestServer>> = {
  'PostgreSQL 15': () => startPostgres({ version: 15, initdbArgs: ['--data-checksums'] }),
  "PostgreSQL 15 in Debian's layout": () => createClusterLayout(),
  'PostgreSQL 18': () => startPostgres({ version: 18, initdbArgs: ['--allow-group-access', '--wal-segsize=1'] }),
}
for (const [name, start] of Object.entries(layouts)) {
  test(`a set of ${name} comes back with all tables, and starts by its own command`, async (context) => {
    await using server = await start()
    await fill(server)
    const { set } = await takeSet(server)
    const owner = await databaseAccount()
    const directory = await makeDirectoryFor(owner, 'holdfast-versions-', '/tmp')
    context.after(() => rm(directory, { recursive: true }))
    const target = { directory: join(directory, 'restored'), ...(owner ? { owner } : {}) }
    const restored = await engine.restore(target, [set], { binDirs: [server.binDirectory] })
    assert.deepEqual(restored.warnings, [])
    assert.equal(restored.startCommand[0], join(server.binDirectory, 'postgres'))

    await using started = await startRestored(restored, { owner })
    assert.deepEqual(await queryRestored(started, SUM), await server.query(SUM))
    assert.deepEqual(await queryRestored(started, 'select count(*)::int as n from passing'), [{ n: 0 }])
    assert.deepEqual(await queryRestored(started, 'select 1 as a', 'Empty db'), [{ a: 1 }])
    assert.deepEqual(await checkRestored(started.address), [])
    assert.match(await readFile(join(target.directory, 'RESTORE.txt'), 'utf8'), /tar/)
    const facts = await engine.probe(started.address)
    assert.equal(facts.role, 'primary')
    assert.equal(facts.systemIdentifier, set.manifest.postgres?.systemIdentifier)
  })
}

suite('a set of a replica of PostgreSQL 18', () => {
  test('comes back as a primary', async (context) => {
    await using primary = await startPostgres({ version: 18 })
    await fill(primary)
    await using replica = await startReplica(primary)
    const rows = `select count(*)::int as n from "in space"`
    await eventually(
      async () => (await replica.query<{ n: number }>(rows).catch(() => []))[0]?.n === 20_000,
      'the replica has the rows',
    )
    const { set, facts } = await takeSet(replica)
    assert.equal(facts.fromReplica, true)
    const owner = await databaseAccount()
    const directory = await makeDirectoryFor(owner, 'holdfast-versions-', '/tmp')
    context.after(() => rm(directory, { recursive: true }))
    const target = { directory: join(directory, 'restored'), ...(owner ? { owner } : {}) }
    const restored = await engine.restore(target, [set], { binDirs: [primary.binDirectory] })
    await using started = await startRestored(restored, { owner })
    assert.deepEqual(await queryRestored(started, SUM), await primary.query(SUM))
    assert.deepEqual(await queryRestored(started, 'select pg_is_in_recovery() as r'), [{ r: false }])
    await queryRestored(started, 'drop table "in space"')
    assert.deepEqual(await replica.query(rows), [{ n: 20_000 }])
  })
})

for (const version of [15, 18] as const) {
  test(`tablespaces of ${version} inside the data directory come back beside it`, async (context) => {
    await using server = await startPostgres({ version })
    const inside = join(server.dataDirectory, 'inside')
    await mkdir(inside)
    await giveTo(inside, server.account)
    await server.query(`create tablespace inner_space location '${inside}'`)
    await server.query('create table within tablespace inner_space as select 7 as a')
    const { set } = await takeSet(server)
    const owner = await databaseAccount()
    const directory = await makeDirectoryFor(owner, 'holdfast-versions-', '/tmp')
    context.after(() => rm(directory, { recursive: true }))
    const target = { directory: join(directory, 'restored'), ...(owner ? { owner } : {}) }
    const restored = await engine.restore(target, [set], { binDirs: [server.binDirectory] })
    await using started = await startRestored(restored, { owner })
    assert.deepEqual(await queryRestored(started, 'select a from within'), [{ a: 7 }])
  })
}

test('pg_verifybackup passes on a set of our own engine, tablespaces and all', async (context) => {
  await using server = await startPostgres({ version: 15, initdbArgs: ['--data-checksums'] })
  await fill(server)
  const { set } = await takeSet(server)
  const directory = await makeDirectoryFor(undefined, 'holdfast-verify-', '/tmp')
  context.after(() => rm(directory, { recursive: true }))
  const { dataDirectory } = await engine.restore({ directory: join(directory, 'restored') }, [set], {})
  for (const name of ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) {
    await rename(join(dataDirectory, `${name}.original`), join(dataDirectory, name))
  }
  const verify = promisify(execFile)(join(server.binDirectory, 'pg_verifybackup'), [
    '-i',
    'tablespace_map',
    dataDirectory,
  ])
  assert.match((await verify).stdout, /backup successfully verified/)
})
