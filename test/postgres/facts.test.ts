import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gatherFacts, readSize, type GatheredFacts } from '../../src/engine/postgres/facts.ts'
import { createClusterLayout, startPostgres, type TestServer } from '../lib/postgres.ts'
import { askOver, clientOf, inDatabaseOf } from './ask-server.ts'

async function gather(server: TestServer, login: { user?: string; password?: string } = {}): Promise<GatheredFacts> {
  const client = await clientOf(server, 'postgres', login)
  try {
    return await gatherFacts(askOver(client), inDatabaseOf(server, login))
  } finally {
    await client.end()
  }
}

for (const version of [15, 18] as const) {
  suite(`facts of PostgreSQL ${version}`, () => {
    test('are everything a restore must know', async () => {
      await using server = await startPostgres({
        version,
        settings: {
          work_mem: '12345kB',
          // The file's own escape for one backslash.
          'my.note': "it's \\\\ here",
          'my.password': 'hunter2',
          archive_command: 'PGPASSWORD=hunter2 copy %p',
        },
        hba: ['host "my db",other "some one" 10.0.0.0/8 radius radiusservers=127.0.0.1 radiussecrets=hunter2'],
        initdbArgs: ['--data-checksums', '--allow-group-access', '--wal-segsize=1'],
      })
      await server.query('create database "Odd ""name"""')
      await server.query(`create collation odd (provider = icu, locale = 'de-DE')`, 'Odd "name"')
      await server.query('create table t (a text collate odd)', 'Odd "name"')
      await server.query('create database closed with allow_connections false')
      const { facts, estimate, warnings } = await gather(server)

      // Three databases that let us in, each with the catalogs of a new one: some 350 relations in 7 MB.
      assert.ok(estimate.files > 3 * 3 * 200 && estimate.files < 3 * 3 * 600, `${estimate.files} files`)
      assert.ok(estimate.bytes > 3 * 2e6 && estimate.bytes < 3 * 20e6, `${estimate.bytes} bytes`)
      assert.equal(Math.floor(facts.serverVersion / 10_000), version)
      assert.match(facts.serverVersionText, new RegExp(`^${version}\\.\\d+`))
      assert.equal(facts.architecture, process.arch === 'x64' ? 'x86_64' : 'aarch64')
      assert.equal(facts.blockSize, 8192)
      assert.equal(facts.walSegmentSize, 1_048_576)
      assert.equal(facts.dataChecksums, true)
      assert.equal(facts.dataDirectoryMode, '0750')
      assert.equal(facts.configInDataDirectory, true)
      assert.equal(facts.superuser, 'postgres')
      assert.equal(facts.encoding, 'UTF8')
      assert.equal(facts.settings['work_mem'], '12345kB')
      assert.equal(facts.settings['my.note'], "it's \\ here")
      assert.deepEqual(facts.preloadLibraries, [])
      assert.ok(facts.extensions.some(({ database, name }) => database === 'Odd "name"' && name === 'plpgsql'))
      const own = facts.collations.filter(({ database }) => database === 'Odd "name"')
      assert.deepEqual(own[0], { database: 'Odd "name"', provider: 'libc', locale: 'C', version: '' })
      assert.deepEqual([own[1]?.provider, own[1]?.locale], ['icu', 'de-DE'])
      assert.match(own[1]?.version ?? '', /^\d+/)
      assert.equal(facts.hbaRules[0], 'host "my db",other "some one" 10.0.0.0 255.0.0.0 radius radiusservers=127.0.0.1')

      assert.doesNotMatch(JSON.stringify({ facts, warnings }), /hunter2/)
      assert.ok(warnings.some((text) => text.includes('setting my.password is not recorded')))
      assert.ok(warnings.some((text) => text.includes('setting archive_command is not recorded')))
      assert.ok(warnings.some((text) => text.includes('database closed lets us not in')))
      assert.equal(warnings.length, 3)
    })

    test('that a role may not see are named with the statement that lets it', async () => {
      await using server = await startPostgres({ version })
      await server.query(`create role "poor ""role""" login replication password 'p'`)
      await server.query('create database shut')
      await server.query('revoke connect on database shut from public')
      const { facts, warnings } = await gather(server, { user: 'poor "role"', password: 'p' })
      assert.equal(Math.floor(facts.serverVersion / 10_000), version)
      const text = warnings.join('\n')
      assert.match(text, /GRANT pg_monitor TO "poor ""role""";/)
      assert.match(
        text,
        /GRANT SELECT ON pg_hba_file_rules TO "poor ""role"""; GRANT EXECUTE ON FUNCTION pg_hba_file_rules\(\)/,
      )
      assert.match(text, /GRANT SELECT ON pg_ident_file_mappings/)
      assert.match(text, /database shut lets us not in/)

      for (const [, statements] of text.matchAll(/: (GRANT .*;)$/gm)) await server.query(statements ?? '')
      const after = await gather(server, { user: 'poor "role"', password: 'p' })
      assert.deepEqual(
        after.warnings.map((one) => one.slice(0, 13)),
        ['database shut'],
      )
      assert.ok(after.facts.hbaRules.length > 0)
      assert.ok(after.facts.settings['listen_addresses'])
    })
  })
}

suite('facts of a Debian cluster', () => {
  test('say that the configuration lies outside the data directory, and hold it', async () => {
    await using server = await createClusterLayout({ settings: { work_mem: '9MB' } })
    const { facts } = await gather(server)
    assert.equal(facts.configInDataDirectory, false)
    assert.equal(facts.settings['work_mem'], '9MB')
    assert.ok(facts.hbaRules.length > 0)
  })
})

suite('the size of a server', () => {
  test('is that of all its databases, and 0 for a role that may not see one', async () => {
    await using server = await startPostgres({ version: 15 })
    await server.query(`create role poor login password 'p'`)
    await server.query('create database shut')
    await server.query('revoke connect on database shut from public')
    const superuser = await clientOf(server, 'postgres', {})
    const poor = await clientOf(server, 'postgres', { user: 'poor', password: 'p' })
    try {
      assert.ok((await readSize(askOver(superuser), 20)) > 20_000_000)
      assert.equal(await readSize(askOver(poor), 20), 0)
      assert.deepEqual((await superuser.query('show statement_timeout')).rows, [{ statement_timeout: '0' }])
    } finally {
      await superuser.end()
      await poor.end()
    }
  })
})
