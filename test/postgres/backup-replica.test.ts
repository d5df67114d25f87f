import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { membersOf } from './base-backup-set.ts'
import { bringBack, takeBackup } from './backup-world.ts'
import { queryRestored } from './restored-server.ts'

const fill = (server: TestServer) =>
  server.query('create table filled as select g, repeat(md5(g::text), 8) as text from generate_series(1, 100000) g')

/** Waits until the replica has replayed all that the primary wrote. */
async function caughtUp(primary: TestServer, replica: TestServer): Promise<void> {
  // Where an idle primary would write next may lie past a page header that nobody sends yet.
  await primary.query('select txid_current()')
  const [row] = await primary.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
  const sql = `select pg_last_wal_replay_lsn() >= '${row?.lsn}'::pg_lsn as all`
  await eventually(async () => (await replica.query<{ all: boolean }>(sql))[0]?.all === true, 'the replica caught up')
}

const historyOf = (tar: Buffer) => membersOf(tar).filter(({ entry }) => entry.name === 'data/pg_wal/00000002.history')

for (const version of [15, 18] as const) {
  suite(`a backup from a replica of PostgreSQL ${version}`, () => {
    test('comes back with what was replayed, though no restartpoint was for long', async () => {
      await using primary = await startPostgres({ version, settings: { checkpoint_timeout: '1h' } })
      await using replica = await startReplica(primary)
      await fill(primary)
      await caughtUp(primary, replica)
      const taken = await takeBackup(replica.address)
      assert.equal(taken.point.postgres?.fromReplica, true)
      await using back = await bringBack(replica, taken)
      assert.deepEqual(await queryRestored(back, 'select count(*)::int as n from filled'), [{ n: 100_000 }])
    })

    test('of a replica of a replica comes back', async () => {
      await using primary = await startPostgres({ version })
      await using replica = await startReplica(primary)
      await using cascaded = await startReplica(primary)
      const { host, port, user, password } = replica.address
      const source = `host=${host} port=${port} user=${user} password=${password}`
      await cascaded.query(`alter system set primary_conninfo = '${source}'`)
      await cascaded.stop()
      await cascaded.start()
      const senders = 'select 1 from pg_stat_replication'
      await eventually(async () => (await replica.query(senders)).length === 1, 'the replica sends to its own replica')
      assert.deepEqual(await primary.query('select count(*)::int as n from pg_stat_replication'), [{ n: 1 }])
      await fill(primary)
      await caughtUp(primary, cascaded)
      const taken = await takeBackup(cascaded.address)
      await using back = await bringBack(cascaded, taken)
      assert.deepEqual(await queryRestored(back, 'select count(*)::int as n from filled'), [{ n: 100_000 }])
    })

    test('fails with a hint when it is promoted meanwhile', async () => {
      await using primary = await startPostgres({ version })
      await fill(primary)
      await using replica = await startReplica(primary)
      await caughtUp(primary, replica)
      let promoted = false
      const between = async (bytes: number) => {
        if (promoted || bytes < 10_000_000) return
        promoted = true
        await replica.query('select pg_promote()')
      }
      await assert.rejects(
        takeBackup(replica.address, { between }),
        (e) => Fault.is(e, 'engine_failed') && /promoted/.test(e.message) && e.hint !== undefined,
      )
      assert.equal(promoted, true)
    })

    test('fails with a hint when the primary writes without full pages, before it begins and half-way', async () => {
      await using primary = await startPostgres({ version })
      await fill(primary)
      await using replica = await startReplica(primary)
      await caughtUp(primary, replica)
      const off = async () => {
        await primary.query('alter system set full_page_writes = off')
        await primary.query('select pg_reload_conf()')
        await primary.query('checkpoint')
        await primary.query('insert into filled select g, md5(g::text) from generate_series(1, 1000) g')
        await caughtUp(primary, replica)
      }
      let switched = false
      const between = async (bytes: number) => {
        if (switched || bytes < 10_000_000) return
        switched = true
        await off()
      }
      const isRefusal = (e: unknown) =>
        Fault.is(e, 'engine_failed') && /full_page_writes/.test(e.message) && e.hint !== undefined
      await assert.rejects(takeBackup(replica.address, { between }), isRefusal)
      assert.equal(switched, true)
      await assert.rejects(takeBackup(replica.address), isRefusal)
    })

    test('on timeline 2 holds the history, from the new primary and from its replica', async () => {
      await using primary = await startPostgres({ version })
      await fill(primary)
      await using promoted = await startReplica(primary)
      await caughtUp(primary, promoted)
      await promoted.query('select pg_promote()')
      await promoted.query('checkpoint')
      await using replica = await startReplica(promoted)
      await caughtUp(promoted, replica)
      for (const node of [promoted, replica]) {
        const taken = await takeBackup(node.address)
        assert.equal(taken.point.postgres?.timeline, 2)
        assert.deepEqual([historyOf(taken.tar).length, taken.point.warnings], [1, []])
        await using back = await bringBack(node, taken)
        assert.deepEqual(await queryRestored(back, 'select count(*)::int as n from filled'), [{ n: 100_000 }])
      }
    })
  })
}
