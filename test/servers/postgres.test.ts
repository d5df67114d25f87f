import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { createClusterLayout, startPostgres, startReplica } from '../lib/postgres.ts'

suite('the PostgreSQL servers of the tests', () => {
  for (const version of [15, 18] as const) {
    test(`${version}: settings, hba lines and tablespaces are as asked for, and nothing stays behind`, async () => {
      const options = { settings: { work_mem: '5MB' }, hba: ['host all bob 127.0.0.1/32 reject'] }
      const server = await startPostgres({ version, ...options, tablespaces: ['odd "name"'] })
      const [row] = await server.query<{ major: string; memory: string; hba: string; tablespace: string }>(`
        select current_setting('server_version_num')::int / 10000 as major, current_setting('work_mem') as memory,
          (select auth_method from pg_hba_file_rules order by line_number limit 1) as hba,
          (select pg_tablespace_location(oid) from pg_tablespace where spcname = 'odd "name"') as tablespace`)
      const tablespace = server.tablespaces['odd "name"']
      assert.deepEqual(row, { major: version, memory: '5MB', hba: 'reject', tablespace })
      assert.ok(!tablespace?.startsWith(server.dataDirectory))
      await server[Symbol.asyncDispose]()
      assert.ok(!existsSync(server.directory))
    })

    test(`${version}: a replica follows its primary, and both survive a kill`, async () => {
      await using primary = await startPostgres({ version, tablespaces: ['fast'] })
      await primary.query('create table t (i int) tablespace fast')
      await using replica = await startReplica(primary)
      await primary.query('insert into t select generate_series(1, 1000)')
      const followed = async () => (await replica.query('select 1 from t having count(*) = 1000')).length === 1
      await eventually(followed, 'the replica has the rows')
      assert.deepEqual(await replica.query('select pg_is_in_recovery() as replica'), [{ replica: true }])
      assert.notEqual(replica.tablespaces['fast'], primary.tablespaces['fast'])
      for (const server of [primary, replica]) {
        await server.kill()
        await server.start()
        await eventually(followed, 'the rows are there after a kill')
      }
    })
  }

  test('a cluster by pg_createcluster has its configuration outside the data directory', async () => {
    await using server = await createClusterLayout()
    const [row] = await server.query<Record<string, string>>(
      `select current_setting('config_file') as config, current_setting('hba_file') as hba`,
    )
    assert.equal(row?.['config'], join(server.configDirectory, 'postgresql.conf'))
    assert.equal(row?.['hba'], join(server.configDirectory, 'pg_hba.conf'))
    for (const name of ['postgresql.conf', 'pg_hba.conf']) assert.ok(!existsSync(join(server.dataDirectory, name)))
  })

  test('a server does not outlive a test process that is killed', async () => {
    const script = `
      import { startPostgres } from '${join(import.meta.dirname, '../lib/postgres.ts')}'
      const server = await startPostgres({ version: 15 })
      console.log(server.pid + ' ' + server.directory)
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [data] = (await once(child.stdout, 'data')) as [Buffer]
    const [pid, directory = ''] = data.toString().trim().split(' ')
    assert.ok(existsSync(`/proc/${pid}/stat`))
    child.kill('SIGKILL')
    await eventually(async () => !existsSync(`/proc/${pid}/stat`), 'the server is gone')
    await rm(directory, { recursive: true })
  })
})
