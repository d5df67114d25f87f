import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { startService, type E2eService } from './service.ts'
import { compare, download, manifestOf, register, take, withRestored, type RegisteredNode } from './sets.ts'

const ID = 'with-replica'

for (const version of [15, 18] as const) {
  suite(`an instance with a streaming replica of PostgreSQL ${version} that prefers it`, () => {
    let service: E2eService
    let primary: TestServer
    let replica: TestServer
    let ids: { primary: string; replica: string }

    before(async () => {
      service = await startService()
      primary = await startPostgres({ version, tablespaces: ['space'] })
      replica = await startReplica(primary)
      await primary.query(`
        create table t as select g, md5(g::text) from generate_series(1, 20000) g;
        create table u tablespace space as select * from t; create index on u (g); select 1`)
      await caughtUp()
      const nodes = await register(service, ID, [primary, replica], ['--prefer-replica'])
      ids = { primary: idOf(nodes, 'Master'), replica: idOf(nodes, 'Slave') }
    })
    after(async () => {
      await service[Symbol.asyncDispose]()
      await replica[Symbol.asyncDispose]()
      await primary[Symbol.asyncDispose]()
    })

    const idOf = (nodes: readonly RegisteredNode[], role: string) =>
      nodes.find((node) => node.Role === role)?.HostInstanceID ?? 'none'

    async function caughtUp(): Promise<void> {
      const [row] = await primary.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
      const sql = `select pg_last_wal_replay_lsn() >= '${row?.lsn}' as there`
      await eventually(async () => (await replica.query<{ there: boolean }>(sql))[0]?.there === true, 'caught up')
    }

    const nodesNow = async () => {
      const reply = await service.call<{
        Items: { DBInstanceAttribute: [{ Nodes: { Node: RegisteredNode[] } }] }
      }>('DescribeDBInstanceAttribute', { DBInstanceId: ID })
      return reply.Items.DBInstanceAttribute[0].Nodes.Node
    }

    test('is backed up from the replica, and the set comes back as a primary of its own', async () => {
      const set = await take(service, ID)
      assert.equal(set.HostInstanceID, ids.replica)
      assert.equal((await manifestOf(service, set)).postgres?.fromReplica, true)
      await download(service, set)
      await withRestored(service, set, async (started) => {
        assert.deepEqual(await compare(primary, started), [])
        assert.deepEqual(await queryRestored(started, 'select pg_is_in_recovery() as r'), [{ r: false }])
        await queryRestored(started, 'drop table u')
      })
      assert.deepEqual(await primary.query('select count(*)::int as n from u'), [{ n: 20_000 }])
      assert.deepEqual(await replica.query('select count(*)::int as n from u'), [{ n: 20_000 }])
    })

    test('is backed up from the primary while the replica is further behind than allowed', async () => {
      await service.call('ModifyDBInstanceSettings', { DBInstanceId: ID, MaxReplicaLagBytes: '100000' })
      await replica.query('select pg_wal_replay_pause()')
      await primary.query('create table v as select g, md5(g::text) from generate_series(1, 20000) g')
      const set = await take(service, ID)
      assert.equal(set.HostInstanceID, ids.primary)
      await withRestored(service, set, async (started) => assert.deepEqual(await compare(primary, started), []))
    })

    test('is backed up from the replica again as soon as that has caught up', async () => {
      await replica.query('select pg_wal_replay_resume()')
      await caughtUp()
      assert.equal((await take(service, ID)).HostInstanceID, ids.replica)
    })

    test('is backed up from the primary while the replica is down', async () => {
      await replica.stop()
      assert.equal((await take(service, ID)).HostInstanceID, ids.primary)
      await replica.start()
    })

    test('keeps the ids of its nodes when the replica becomes the primary', async () => {
      await primary.stop()
      await replica.query('select pg_promote()')
      const set = await take(service, ID)
      assert.equal(set.HostInstanceID, ids.replica)
      const manifest = await manifestOf(service, set)
      assert.deepEqual(manifest.node, { id: ids.replica, role: 'primary' })
      assert.equal(manifest.postgres?.timeline, 2)
      const nodes = await nodesNow()
      assert.equal(nodes.find(({ HostInstanceID }) => HostInstanceID === ids.replica)?.Role, 'Master')
      assert.deepEqual(new Set(nodes.map(({ HostInstanceID }) => HostInstanceID)), new Set(Object.values(ids)))
      await withRestored(service, set, async (started) => assert.deepEqual(await compare(replica, started), []))
    })
  })
}
