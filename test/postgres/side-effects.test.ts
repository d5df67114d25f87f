import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import type { PostgresFacts } from '../../src/core/manifest.ts'
import { gatherFacts } from '../../src/engine/postgres/facts.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { giveTo } from '../lib/copy-cluster.ts'
import { eventually } from '../lib/eventually.ts'
import { createClusterLayout, type TestServer } from '../lib/postgres.ts'
import { askOver, clientOf, inDatabaseOf } from './ask-server.ts'
import { plainFacts, setOf, takeMembers, tarOf, type Member } from './base-backup-set.ts'
import { queryRestored } from './restored-server.ts'

suite('a restored Debian cluster whose source had side effects', () => {
  let owner: Account | undefined
  let directory: string
  let archive: string
  let server: TestServer
  let members: Member[]
  let facts: PostgresFacts

  before(async () => {
    owner = await databaseAccount()
    directory = await makeDirectoryFor(owner, 'holdfast-effects-', '/tmp')
    archive = join(directory, 'archive')
    await mkdir(archive)
    await giveTo(archive, owner)
    server = await createClusterLayout({
      settings: {
        archive_mode: 'on',
        archive_command: `cp %p ${archive}/%f`,
        synchronous_standby_names: '',
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.max': '1234',
        work_mem: '9MB',
        log_directory: join(directory, 'log'),
        logging_collector: 'on',
        wal_level: 'logical',
      },
    })
    await server.query('create table t (a text)')
    await server.query(`create subscription s connection 'host=/nowhere' publication p with (connect = false)`)
    await server.query(`insert into t values ('kept')`)
    members = await takeMembers(server)
    const client = await clientOf(server, 'postgres', {})
    const gathered = await gatherFacts(askOver(client), inDatabaseOf(server))
    await client.end()
    facts = { ...plainFacts(), ...gathered.facts }
    await server.stop()
    await rm(archive, { recursive: true })
    await rm(join(directory, 'log'), { recursive: true })
    await mkdir(archive)
    await giveTo(archive, owner)
  })
  after(async () => {
    await rm(directory, { recursive: true, force: true })
    await server[Symbol.asyncDispose]()
  })

  const target = (name: string) => ({ directory: join(directory, name), ...(owner ? { owner } : {}) })

  test('starts with the settings of the source and archives, listens and subscribes nowhere', async () => {
    assert.equal(facts.configInDataDirectory, false)
    const restored = await restore(target('quiet'), [setOf(tarOf(members), facts)], {})
    assert.deepEqual(restored.warnings, [])
    await using started = await startRestored(restored, { owner })
    const ask = (sql: string) => queryRestored(started, sql)
    const show = async (name: string) => (await ask(`select current_setting('${name}') as v`))[0]?.['v']
    assert.equal(await show('work_mem'), '9MB')
    assert.equal(await show('shared_preload_libraries'), 'pg_stat_statements')
    assert.equal(await show('pg_stat_statements.max'), '1234')
    assert.equal(await show('wal_level'), 'logical')
    assert.equal(await show('archive_mode'), 'off')
    assert.equal(await show('synchronous_standby_names'), '')
    assert.equal(await show('max_logical_replication_workers'), '0')
    assert.equal(await show('listen_addresses'), '127.0.0.1')
    assert.equal(await show('logging_collector'), 'off')
    for (const file of ['hba_file', 'ident_file', 'config_file', 'data_directory']) {
      assert.ok(String(await show(file)).startsWith(restored.dataDirectory), file)
    }
    await ask(`insert into t values ('new')`)
    await ask('select pg_switch_wal()')
    await ask('checkpoint')
    const worker = `select count(*)::int as n from pg_stat_activity where backend_type like 'logical replication%'`
    assert.deepEqual(await ask(worker), [{ n: 0 }])
    assert.deepEqual(await readdir(archive), [])
    await assert.rejects(readdir(join(directory, 'log')), { code: 'ENOENT' })
  })

  test('lets nobody in by TCP without a password', async () => {
    const restored = await restore(target('closed'), [setOf(tarOf(members), facts)], {})
    await using started = await startRestored(restored, { owner })
    const client = { ...server, address: { ...server.address, port: started.port } }
    await assert.rejects(clientOf(client, 'postgres', { password: 'wrong' }), /password authentication failed/)
    await (await clientOf(client, 'postgres', {})).end()
  })

  test('has them when that is asked for', async () => {
    const settings = { ...facts.settings, port: String(server.address.port) }
    const set = setOf(tarOf(members), { ...facts, settings })
    const restored = await restore(target('loud'), [set], { keepSideEffects: true })
    assert.equal(restored.port, server.address.port)
    const hba = await readFile(join(restored.dataDirectory, 'pg_hba.conf'), 'utf8')
    for (const rule of facts.hbaRules) assert.ok(hba.includes(rule), rule)
    await using started = await startRestored(restored, { owner })
    const client = await clientOf({ ...server, address: { ...server.address, port: started.port } }, 'postgres', {})
    await client.query(`insert into t values ('new')`)
    await client.query('select pg_switch_wal()')
    await client.end()
    await eventually(async () => (await readdir(archive)).length > 0, 'a segment is archived')
  })
})
