import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import type { Facts } from '../../src/engine/engine.ts'
import { probe } from '../../src/engine/postgres/probe.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { eventually } from '../lib/eventually.ts'
import { createClusterLayout, startPostgres, startReplica, type TestServer } from '../lib/postgres.ts'
import { startPooler } from './pooler.ts'

const GOOD = ['--data-checksums']

/** The address of `server` for a role made for the test, of a name that needs quoting. */
async function as(server: TestServer, role: string, attributes = ''): Promise<NodeAddress> {
  const name = `"${role.replaceAll('"', '""')}"`
  await server.query(`create role ${name} login ${attributes} password 'p'`)
  return { ...server.address, user: role, password: 'p' }
}

const errors = ({ problems }: Facts) => problems.filter(({ severity }) => severity === 'error')
const fixes = ({ problems }: Facts) => problems.map(({ fix }) => fix)

for (const version of [15, 18] as const) {
  suite(`probe of PostgreSQL ${version}`, () => {
    test('finds nothing missing where all is well, and tells what the node is', async () => {
      const settings = version === 18 ? { summarize_wal: 'on' } : {}
      await using server = await startPostgres({ version, initdbArgs: GOOD, settings })
      await server.query('create database "my db"')
      const facts = await probe(server.address)
      assert.deepEqual(facts.problems, [])
      assert.deepEqual([facts.engine, facts.engineVersion, facts.role], ['postgres', `${version}.0`, 'primary'])
      assert.match(facts.versionText, new RegExp(`^${version}\\.`))
      assert.deepEqual(facts.databases, ['my db', 'postgres'])
      assert.equal(facts.lag, undefined)
      const [row] = await server.query<{ id: string; size: string; lsn: string }>(
        `select system_identifier::text as id, (select sum(pg_database_size(oid)) from pg_database)::text as size,
           (pg_current_wal_flush_lsn() - '0/0')::text as lsn from pg_control_system()`,
      )
      assert.equal(facts.systemIdentifier, row?.id)
      assert.ok(Math.abs(facts.size - Number(row?.size)) < 1_000_000)
      assert.ok(facts.position > 0n && facts.position <= BigInt(row?.lsn ?? 0))
    })

    test('names what a plain role lacks, and each statement mends it', async () => {
      await using server = await startPostgres({
        version,
        initdbArgs: GOOD,
        settings: version === 18 ? { summarize_wal: 'on' } : {},
      })
      const address = await as(server, 'My "backup"')
      await server.query('create database shut')
      await server.query('revoke connect on database shut from public')
      const before = await probe(address)
      assert.equal(before.size, 0)
      assert.deepEqual(fixes(before), [
        'ALTER ROLE "My ""backup""" REPLICATION;',
        'GRANT pg_monitor TO "My ""backup""";',
      ])
      assert.match(before.systemIdentifier, /^\d+$/)
      for (const fix of fixes(before)) await server.query(fix)
      const after = await probe(address)
      assert.deepEqual(after.problems, [])
      assert.ok(after.size > 0)
    })

    test('gives the line that pg_hba.conf lacks, and the line lets us in', async () => {
      await using server = await startPostgres({ version, hba: ['host replication all all reject'], initdbArgs: GOOD })
      const address = await as(server, 'Mixed Case', 'replication in role pg_monitor')
      const [problem, ...more] = errors(await probe(address))
      assert.deepEqual(more, [])
      assert.equal(problem?.what, 'no line of pg_hba.conf lets Mixed Case replicate from 127.0.0.1')
      const [, file = '', line = ''] =
        /^Add to (\S+), above .*: (host.*) and run: SELECT pg_reload_conf\(\);$/.exec(problem?.fix ?? '') ?? []
      assert.equal(line, 'host replication "Mixed Case" 127.0.0.1/32 scram-sha-256')
      assert.equal(file, join(server.configDirectory, 'pg_hba.conf'))
      await writeFile(file, `${line}\n${await readFile(file, 'utf8')}`)
      await server.query('select pg_reload_conf()')
      await eventually(async () => errors(await probe(address)).length === 0, 'the line is read')
    })

    test('sees settings under which no backup works', async () => {
      const settings = {
        wal_level: 'minimal',
        max_wal_senders: '0',
        max_replication_slots: '0',
        full_page_writes: 'off',
        max_slot_wal_keep_size: '64MB',
      }
      await using server = await startPostgres({
        version,
        settings,
        initdbArgs: version === 18 ? ['--no-data-checksums'] : [],
      })
      const found = fixes(await probe(server.address)).join('\n')
      for (const statement of [
        'ALTER SYSTEM SET wal_level = replica; and restart the server',
        'ALTER SYSTEM SET max_wal_senders = 5; and restart the server',
        'ALTER SYSTEM SET max_replication_slots = 5; and restart the server',
        'ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();',
        'ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();',
        'pg_checksums --enable',
        ...(version === 18 ? ['ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();'] : []),
      ]) {
        assert.ok(found.includes(statement), statement)
      }
    })

    test('sees a tablespace inside the data directory, whoever asks', async () => {
      await using server = await startPostgres({ version, initdbArgs: GOOD })
      const inside = join(server.dataDirectory, 'inside')
      await mkdir(inside)
      await giveTo(inside, server.account)
      await server.query(`create tablespace inner_space location '${inside}'`)
      const { problems } = await probe(await as(server, 'monitor', 'replication in role pg_monitor'))
      assert.match(problems.map(({ what }) => what).join(), /inside the data directory: inner_space/)
    })

    test('sees that all slots and walsenders are taken, and which slots are idle', async () => {
      const settings = { max_replication_slots: '1', max_wal_senders: '1' }
      await using server = await startPostgres({ version, settings, initdbArgs: GOOD })
      await server.query(`select pg_create_physical_replication_slot('idle', true)`)
      assert.match(fixes(await probe(server.address)).join(), /SELECT pg_drop_replication_slot\('idle'\);/)
    })
  })
}

suite('probe of what is not an ordinary server', () => {
  test('tells a pooler from the server', async () => {
    await using server = await startPostgres({ version: 15, initdbArgs: GOOD })
    await using pooler = await startPooler(server.address.port)
    const [problem, ...more] = errors(await probe({ ...server.address, port: pooler.port }))
    assert.deepEqual(more, [])
    assert.match(problem?.what ?? '', /^this is a connection pooler/)
  })

  test('names the managed service that lets nobody replicate', async () => {
    await using server = await startPostgres({
      version: 15,
      hba: ['host replication all all reject'],
      initdbArgs: GOOD,
    })
    await server.query('create role rds_superuser')
    const found = errors(await probe(await as(server, 'customer', 'replication')))
    assert.deepEqual(
      found.map(({ what }) => what),
      ['this is Amazon RDS or Aurora, which forbids physical backups'],
    )
  })

  test('a cluster of Debian is like any other', async () => {
    await using server = await createClusterLayout({ initdbArgs: GOOD })
    assert.deepEqual((await probe(server.address)).problems, [])
  })

  test('a server that is not there is unreachable, one that refuses us is unready, and neither tells the password', async () => {
    await using server = await startPostgres({ version: 15 })
    const wrong = { ...server.address, password: 'hunter2' }
    const told = (code: string) => (error: unknown) =>
      Fault.is(error) && error.code === code && !JSON.stringify([error.message, error.hint]).includes('hunter2')
    await assert.rejects(probe(wrong), told('instance_unready'))
    await server.stop()
    await assert.rejects(probe(wrong), told('instance_unreachable'))
  })
})

suite('lag of a replica', () => {
  test('is none on an idle primary, grows while replay stands, and is never none without a receiver', async () => {
    await using primary = await startPostgres({ version: 15, initdbArgs: GOOD })
    await primary.query('create table t (a int)')
    await using replica = await startReplica(primary)
    const ahead = async () => (await probe(primary.address)).position
    const seen = () => probe(replica.address)
    await primary.query('insert into t values (0)')
    await eventually(async () => (await seen()).position >= (await ahead()), 'all is replayed')

    const idle = await seen()
    assert.equal(idle.role, 'replica')
    assert.deepEqual(idle.lag, { bytes: undefined, seconds: 0, receiving: true })
    assert.equal(idle.systemIdentifier, (await probe(primary.address)).systemIdentifier)

    await replica.query('select pg_wal_replay_pause()')
    await primary.query('insert into t select g from generate_series(1, 10000) g')
    await eventually(async () => ((await seen()).lag?.seconds ?? 0) > 0, 'seconds of lag while replay stands')
    const paused = await seen()
    assert.equal(paused.lag?.receiving, true)
    assert.ok((await ahead()) - paused.position > 100_000n)

    await replica.query('select pg_wal_replay_resume()')
    await eventually(async () => (await seen()).lag?.seconds === 0, 'all is replayed again')
    await primary.stop()
    await eventually(async () => (await seen()).lag?.receiving === false, 'the receiver is gone')
    const alone = await seen()
    assert.notEqual(alone.lag?.seconds, 0)
  })

  test('is told to a role without rights, too', async () => {
    await using primary = await startPostgres({ version: 15, initdbArgs: GOOD })
    await as(primary, 'poor', 'replication')
    await using replica = await startReplica(primary)
    const address = { ...replica.address, user: 'poor', password: 'p' }
    await eventually(async () => {
      const { lag } = await probe(address)
      return lag?.receiving === true && lag.seconds === 0
    }, 'a role without pg_monitor sees the receiver')
  })
})
