import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { Fault } from '../../src/core/fault.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { membersOf } from './base-backup-set.ts'
import { bringBack, holdsOf, takeBackup } from './backup-world.ts'
import { queryRestored } from './restored-server.ts'

const ODD = `Wei"rd db ü'`

/** A tablespace whose path no tar link could hold. */
async function addDeepTablespace(server: TestServer): Promise<string> {
  const location = join(server.directory, 'deep'.padEnd(90, 'p'), 'er'.padEnd(60, 'r'))
  await mkdir(location, { recursive: true })
  await giveTo(join(location, '..'), server.account)
  await giveTo(location, server.account)
  await server.query(`create tablespace deep location ${pg.escapeLiteral(location)}`)
  return location
}

for (const version of [15, 18] as const) {
  suite(`a backup of PostgreSQL ${version}`, () => {
    let server: TestServer
    let deep: string

    before(async () => {
      server = await startPostgres({
        version,
        tablespaces: ['outer "space"'],
        initdbArgs: ['--data-checksums'],
        settings: { archive_mode: 'on', archive_command: 'exit 1' },
      })
      deep = await addDeepTablespace(server)
      await server.query('create table plain as select g, md5(g::text) from generate_series(1, 20000) g')
      await server.query('create table "in ""space" tablespace "outer ""space""" as select * from plain')
      await server.query('create table further tablespace deep as select * from plain')
      await server.query(`create database ${pg.escapeIdentifier(ODD)} tablespace deep`)
      await server.query('create table "Tä ""ble" as select 7 as a', ODD)
      await server.query('create database empty')
    })
    after(() => server[Symbol.asyncDispose]())

    test('comes back with every database, tablespace and odd name, though archiving fails', async () => {
      const taken = await takeBackup(server.address)
      assert.deepEqual([taken.point.available, taken.point.warnings], [true, []])
      await using back = await bringBack(server, taken)
      const sum = (table: string) =>
        `select count(*)::int as n, md5(string_agg(t::text, ',' order by g)) as sum from ${table} t`
      for (const table of ['plain', '"in ""space"', 'further']) {
        assert.deepEqual(await queryRestored(back, sum(table)), await server.query(sum(table)))
      }
      assert.deepEqual(await queryRestored(back, 'select a from "Tä ""ble"', ODD), [{ a: 7 }])
      assert.deepEqual(await queryRestored(back, 'select count(*)::int as n from pg_stat_user_tables', 'empty'), [
        { n: 0 },
      ])
    })

    test('is one tar: how to restore, data, tablespaces, and the manifest last, which is also beside it', async () => {
      const { tar, manifest, point } = await takeBackup(server.address)
      const members = membersOf(tar)
      const names = members.map(({ entry }) => entry.name)
      assert.equal(names[0], 'RESTORE.txt')
      assert.equal(names.at(-1), 'data/backup_manifest')
      assert.equal(members.at(-1)?.content.toString(), manifest)
      assert.ok(names.every((name) => /^(RESTORE\.txt$|data\/|tablespaces\/\d+\/)/.test(name)))
      assert.equal(new Set(names).size, names.length)
      for (const name of ['data/backup_label', 'data/tablespace_map', 'data/global/pg_control'])
        assert.ok(names.includes(name))
      assert.ok(names.some((name) => /^data\/pg_wal\/[0-9A-F]{24}$/.test(name)))
      assert.ok(!names.some((name) => /^data\/pg_tblspc\/./.test(name)))
      const oids = new Set(names.flatMap((name) => /^tablespaces\/(\d+)\//.exec(name)?.[1] ?? []))
      assert.deepEqual([...oids].toSorted(), point.postgres?.tablespaces.map(({ oid }) => oid).toSorted())
      assert.ok(deep.length > 150)
      assert.ok(point.postgres?.tablespaces.some(({ location }) => location === deep))
      const label = members.find(({ entry }) => entry.name === 'data/backup_label')?.content.toString()
      assert.match(label ?? '', /^LABEL: A set of a test$/m)
    })

    test('records where it stands in the log, and when it was consistent', async () => {
      const [{ now: earlier, lsn } = { now: 0, lsn: '' }] = await server.query<{ now: number; lsn: string }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now, pg_current_wal_lsn() as lsn',
      )
      const { point } = await takeBackup(server.address)
      const { postgres } = point
      assert.ok(postgres)
      assert.ok(point.consistentAt >= Math.floor(earlier))
      const [row] = await server.query(
        `select '${postgres.startLsn}'::pg_lsn >= '${lsn}'::pg_lsn as late, '${postgres.endLsn}'::pg_lsn > '${postgres.startLsn}'::pg_lsn as grows,
           (select system_identifier::text from pg_control_system()) as id`,
      )
      assert.deepEqual(row, { late: true, grows: true, id: postgres.systemIdentifier })
      assert.deepEqual([postgres.timeline, postgres.pageChecksums, postgres.fromReplica], [1, 'passed', false])
    })

    test('tells the phases in order, never goes back, and knows how much there is at its end', async () => {
      const { progress } = await takeBackup(server.address)
      assert.deepEqual(
        [...new Set(progress.map(({ phase }) => phase))],
        ['preparing', 'checkpoint', 'streaming', 'checking', 'writing'],
      )
      const bytes = progress.map((one) => one.bytes)
      assert.deepEqual(
        bytes,
        bytes.toSorted((a, b) => a - b),
      )
      const { bytes: all = 0, totalBytes = 0 } = progress.at(-1) ?? {}
      assert.ok(all > 0 && all === totalBytes, `${all} of ${totalBytes}`)
    })

    test('a spread checkpoint is waited for', async () => {
      const { progress } = await takeBackup(server.address, { request: { checkpoint: 'spread' } })
      assert.ok(progress.some(({ phase }) => phase === 'checkpoint'))
    })

    test('leaves no slot and no connection behind', async () => {
      await takeBackup(server.address)
      await eventually(async () => (await holdsOf(server)).length === 0, 'slot and sender are gone')
    })

    test('holds a slot for its WAL while it runs', async () => {
      let held: unknown[] = []
      const between = async (bytes: number) => {
        if (bytes > 4_000_000 && held.length === 0) {
          held = await server.query('select temporary, restart_lsn is not null as reserved from pg_replication_slots')
        }
      }
      await takeBackup(server.address, { between })
      assert.deepEqual(held, [{ temporary: true, reserved: true }])
    })

    test('of another cluster than expected is refused before a byte is read', async () => {
      let read = false
      const refused = takeBackup(server.address, {
        request: { systemIdentifier: '7123456789012345678' },
        between: () => void (read = true),
      })
      await assert.rejects(
        refused,
        (e) => Fault.is(e, 'conflict') && /7123456789012345678/.test(e.message) && e.hint !== undefined,
      )
      assert.equal(read, false)
      const [row] = await server.query<{ id: string }>('select system_identifier::text as id from pg_control_system()')
      await takeBackup(server.address, { request: { systemIdentifier: row?.id } })
    })

    test('needs of its role no more than REPLICATION, and says what it could not record', async () => {
      await server.query(`create role "back'up" login replication password 'p'`)
      const address: NodeAddress = { ...server.address, user: "back'up", password: 'p' }
      const { point } = await takeBackup(address)
      assert.ok(point.available)
      assert.match(point.warnings.join('\n'), /GRANT pg_monitor TO "back'up"/)
      assert.equal(point.postgres?.superuser, 'postgres')
    })

    test('by a role without REPLICATION is refused with the reason', async () => {
      await server.query(`create role plain login password 'p'`)
      const refused = takeBackup({ ...server.address, user: 'plain', password: 'p' })
      await assert.rejects(
        refused,
        (e) =>
          Fault.is(e, 'instance_unready') && /permission|superuser/.test(e.message) && /REPLICATION/.test(e.hint ?? ''),
      )
    })
  })
}
