import assert from 'node:assert/strict'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { plainFacts, setOf, takeMembers, tarOf } from './base-backup-set.ts'
import { queryRestored, treeDigest } from './restored-server.ts'

suite('a set of a replica, restored beside the live servers', () => {
  let owner: Account | undefined
  let primary: TestServer
  let replica: TestServer
  let directory: string

  before(async () => {
    owner = await databaseAccount()
    primary = await startPostgres({ version: 15, tablespaces: ['space'], settings: { autovacuum: 'off' } })
    await primary.query('create table here as select g from generate_series(1, 10000) g')
    await primary.query('create table there tablespace space as select g from generate_series(1, 10000) g')
    await primary.query(`select pg_create_physical_replication_slot('for_replica')`)
    replica = await startReplica(primary, { settings: { primary_slot_name: 'for_replica', hot_standby: 'on' } })
    directory = await makeDirectoryFor(owner, 'holdfast-replica-', '/tmp')
  })
  after(async () => {
    await rm(directory, { recursive: true, force: true })
    await replica[Symbol.asyncDispose]()
    await primary[Symbol.asyncDispose]()
  })

  test('comes up as an independent primary and changes no byte of theirs', async () => {
    await primary.query('checkpoint')
    const { position } =
      (await primary.query<{ position: string }>('select pg_current_wal_lsn()::text as position'))[0] ?? {}
    const caughtUp = `select pg_last_wal_replay_lsn() >= '${position}' as done`
    await eventually(
      async () => (await replica.query<{ done: boolean }>(caughtUp))[0]?.done === true,
      'replica caught up',
    )
    const unwanted = ['standby.signal', 'recovery.signal', 'backup_label.old']
    for (const name of unwanted.slice(1)) await writeFile(join(replica.dataDirectory, name), 'left behind')
    const members = await takeMembers(replica)
    for (const name of unwanted)
      assert.ok(
        members.some(({ entry }) => entry.name === `data/${name}`),
        name,
      )

    const live = [primary, replica].flatMap(({ directory: root }) => [
      join(root, 'data/base'),
      join(root, 'tablespaces'),
    ])
    await replica.query('checkpoint')
    const before = await Promise.all(live.map(treeDigest))
    const target = { directory: join(directory, 'restored'), ...(owner ? { owner } : {}) }
    const restored = await restore(target, [setOf(tarOf(members), plainFacts({ fromReplica: true }))], {})
    for (const gone of unwanted) {
      await assert.rejects(stat(join(restored.dataDirectory, gone)), { code: 'ENOENT' })
    }
    await stat(join(restored.dataDirectory, 'backup_label'))

    await using started = await startRestored(restored, { owner })
    assert.notEqual(started.port, primary.address.port)
    assert.notEqual(started.port, replica.address.port)
    const rows = await queryRestored(started, 'select pg_is_in_recovery() as r, (select count(*)::int from there) as n')
    assert.deepEqual(rows, [{ r: false, n: 10_000 }])
    await queryRestored(started, 'insert into there select 1')
    await queryRestored(started, 'drop table here')
    await queryRestored(started, 'checkpoint')
    assert.deepEqual(await queryRestored(started, 'select count(*)::int as n from pg_stat_wal_receiver'), [{ n: 0 }])
    const where = await queryRestored(
      started,
      `select pg_tablespace_location(oid) as at from pg_tablespace where spcname = 'space'`,
    )
    assert.match(String(where[0]?.['at']), new RegExp(`^${target.directory}/`))

    assert.deepEqual(await Promise.all(live.map(treeDigest)), before)
    assert.deepEqual(await primary.query('select count(*)::int as n from pg_stat_replication'), [{ n: 1 }])
    assert.deepEqual(await replica.query('select count(*)::int as n from there'), [{ n: 10_000 }])
    assert.deepEqual((await readdir(target.directory)).toSorted(), [
      'RESTORE.txt',
      'data',
      'socket',
      'start.log',
      'tablespaces',
    ])
  })
})
