import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startPostgres } from '../lib/postgres.ts'
import { bringInto, compareServers, pretendedTool, takeLogical } from './world.ts'

const PROGRAMS = '/usr/lib/postgresql/15/bin'

suite('time-outs that a server has for its users', () => {
  test('end neither a backup nor a restore that takes longer', async () => {
    await using source = await startPostgres({ version: 15 })
    await using target = await startPostgres({ version: 15 })
    await source.query('create table kept as select g from generate_series(1, 1000) g')
    for (const server of [source, target]) {
      await server.query(`alter role "${server.address.user}" set idle_session_timeout = '400ms'`)
      await server.query(`alter role "${server.address.user}" set idle_in_transaction_session_timeout = '400ms'`)
    }
    const slow = `case "$1" in --version) ;; *) sleep 1;; esac; exec ${PROGRAMS}/$(basename "$0") "$@"`
    await using tools = await pretendedTool(['pg_dump', 'pg_dumpall', 'pg_restore'], slow)
    const binDirs = [tools.directory]
    const set = await takeLogical(source.address, { binDirs })
    await bringInto(target.address, set, undefined, { binDirs })
    assert.deepEqual(await compareServers(source, target), [])
  })
})
