import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createClusterLayout, startPostgres, type TestServer } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { fillRichly, ODD_ROLE, oddFilesBelow, LONG_LOCATION, putOddFiles } from './rich-source.ts'
import { startService, type E2eService } from './service.ts'
import { proveRoundTrip, register, take, withRestored } from './sets.ts'

/** As long as an id may be. */
const LONGEST_ID = `A-${'z_9'.repeat(20)}-9`
/** As short as an id may be. */
const SHORTEST_ID = '0'

let service: E2eService
before(async () => {
  service = await startService()
})
after(() => service[Symbol.asyncDispose]())

const asOddRole = (server: TestServer) => ({ address: { ...server.address, ...ODD_ROLE } })

const servers: Record<string, { id: string; start: () => Promise<TestServer> }> = {
  'PostgreSQL 15': {
    id: LONGEST_ID,
    start: () => startPostgres({ version: 15, initdbArgs: ['--data-checksums'] }),
  },
  'PostgreSQL 18': { id: SHORTEST_ID, start: () => startPostgres({ version: 18 }) },
  "PostgreSQL 15 in Debian's layout": { id: 'debian', start: () => createClusterLayout() },
}

for (const [name, { id, start }] of Object.entries(servers)) {
  suite(name, () => {
    let server: TestServer
    before(async () => {
      server = await start()
      await fillRichly(server)
    })
    after(() => server[Symbol.asyncDispose]())

    test('comes back with every table, large object and sequence, whatever their names are', async () => {
      await register(service, id, [asOddRole(server)])
      await proveRoundTrip(service, id, server, async (started, restored) => {
        const ask = (sql: string, database?: string) => queryRestored(started, sql, database)
        assert.deepEqual(await ask('select count(*)::int as n from passing'), [{ n: 0 }])
        await ask('insert into passing values (1)')
        assert.deepEqual(await ask('select a from passing where a = 1'), [{ a: 1 }])
        assert.deepEqual(await ask(`select nextval('"Odd ""seq"') > 41 as later`), [{ later: true }])
        assert.deepEqual(await ask("select lo_get(4711) = repeat('x', 5000)::bytea as same"), [{ same: true }])
        assert.deepEqual(await ask('select 1 as a', 'Empty "db'), [{ a: 1 }])
        const roles = `select rolname from pg_roles where rolname = '${ODD_ROLE.user}'`
        assert.equal((await ask(roles)).length, 1)
        const inside = `select bool_and(pg_tablespace_location(oid) like $$${restored.dataDirectory.replace(/data$/, '')}%$$) as inside
          from pg_tablespace where oid > 16383`
        assert.deepEqual(await ask(inside), [{ inside: true }])
      })
    })

    test('comes back with files of every size and name that a tar or a frame may stumble on', async () => {
      const source = await putOddFiles(server)
      const set = await take(service, id)
      await withRestored(service, set, async (_, restored) => {
        const tablespaces = restored.dataDirectory.replace(/data$/, 'tablespaces')
        assert.deepEqual(await oddFilesBelow(restored.dataDirectory, tablespaces), source)
      })
    })
  })
}

test('a tablespace whose path has over a hundred characters is a real one', () => {
  assert.ok(LONG_LOCATION.length > 100)
})

for (const version of [15, 18] as const) {
  test(`an empty PostgreSQL ${version} comes back`, async () => {
    await using server = await startPostgres({ version })
    const id = `empty-${version}`
    await register(service, id, [server])
    const set = await proveRoundTrip(service, id, server)
    assert.equal(set.EngineVersion, `${version}.0`)
  })
}

test('a server whose archive_command fails is backed up all the same, and its set archives nothing', async () => {
  await using server = await startPostgres({
    version: 15,
    settings: { archive_mode: 'on', archive_command: 'false', archive_timeout: '1' },
  })
  await server.query('create table t as select g from generate_series(1, 1000) g; select pg_switch_wal()')
  await register(service, 'failing-archive', [server])
  await proveRoundTrip(service, 'failing-archive', server, async (started) => {
    assert.deepEqual(await queryRestored(started, 'show archive_mode'), [{ archive_mode: 'off' }])
  })
  const [failed] = await server.query<{ failed: number }>('select failed_count::int as failed from pg_stat_archiver')
  assert.ok((failed?.failed ?? 0) > 0)
})
