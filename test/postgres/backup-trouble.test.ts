import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { bringBack, holdsOf, quickClock, takeBackup } from './backup-world.ts'
import { queryRestored } from './restored-server.ts'

const PAGE = 8192

/** Does something once, when so many bytes have come. */
const onceAt = (bytes: number, work: () => Promise<unknown>) => {
  let done = false
  return async (so: number) => {
    if (done || so < bytes) return
    done = true
    await work()
  }
}

const fill = (server: TestServer) =>
  server.query('create table filled as select g, repeat(md5(g::text), 8) as text from generate_series(1, 100000) g')

/** Turns over bytes of one page on disk, behind the server's back. */
async function damage(server: TestServer, table: string, page: number): Promise<string> {
  await server.query('checkpoint')
  const [row] = await server.query<{ path: string }>(`select pg_relation_filepath('${table}') as path`)
  const path = row?.path ?? ''
  const file = await open(join(server.dataDirectory, path), 'r+')
  await file.write(Buffer.alloc(16, 0xa5), 0, 16, page * PAGE + 4000)
  await file.close()
  return path
}

for (const version of [15, 18] as const) {
  suite(`trouble while PostgreSQL ${version} is backed up`, () => {
    test('a server that is killed half-way is a failure', async () => {
      await using server = await startPostgres({ version })
      await fill(server)
      const failed = takeBackup(server.address, { between: onceAt(10_000_000, () => server.kill()) })
      await assert.rejects(failed, (e) => Fault.is(e, 'instance_unreachable') && e.hint !== undefined)
    })

    test('a sender that is terminated half-way is a failure', async () => {
      await using server = await startPostgres({ version })
      await fill(server)
      const terminate = () => server.query('select pg_terminate_backend(pid) from pg_stat_replication')
      const failed = takeBackup(server.address, { between: onceAt(10_000_000, terminate) })
      await assert.rejects(failed, (e) => Fault.is(e, 'engine_failed') || Fault.is(e, 'instance_unreachable'))
    })

    test('a server that does not answer is unreachable', async () => {
      const server = await startPostgres({ version })
      await server[Symbol.asyncDispose]()
      await assert.rejects(
        takeBackup(server.address),
        (e) => Fault.is(e, 'instance_unreachable') && e.hint !== undefined,
      )
    })

    test('an abort ends it at once with the reason, and the server keeps nothing for it', async () => {
      await using server = await startPostgres({ version })
      await fill(server)
      const abort = new AbortController()
      const reason = new Fault('cancelled', 'the user asked')
      const between = onceAt(10_000_000, async () => abort.abort(reason))
      await assert.rejects(takeBackup(server.address, { between, signal: abort.signal }), reason)
      await eventually(async () => (await holdsOf(server)).length === 0, 'slot and sender are gone')
    })

    test('a store that fails ends it with its own fault, and the server keeps nothing for it', async () => {
      await using server = await startPostgres({ version })
      await fill(server)
      const full = new Fault('store_full', 'put data')
      const between = onceAt(10_000_000, () => Promise.reject(full))
      await assert.rejects(takeBackup(server.address, { between }), full)
      await eventually(async () => (await holdsOf(server)).length === 0, 'slot and sender are gone')
    })

    test('a store that is too slow ends it before the server keeps more WAL than allowed', async () => {
      const limit = 96 * 1024 * 1024
      await using server = await startPostgres({ version, settings: { max_wal_size: '2GB', wal_keep_size: '0' } })
      await fill(server)
      const kept = async () => {
        const [row] = await server.query<{ kept: string }>(
          'select coalesce(max(pg_current_wal_lsn() - restart_lsn), 0)::text as kept from pg_replication_slots',
        )
        return Number(row?.kept)
      }
      let most = 0
      const write = async () => {
        for (let held = await kept(); held > 0; held = await kept()) {
          most = Math.max(most, held)
          await server.query(
            'create table if not exists more (t text); insert into more select repeat(md5(g::text), 8) from generate_series(1, 5000) g',
          )
        }
      }
      const failed = takeBackup(server.address, {
        request: { maxKeptWalBytes: limit },
        between: onceAt(4_000_000, write),
        clock: quickClock,
      })
      await assert.rejects(
        failed,
        (e) => Fault.is(e, 'engine_failed') && /keeps \d+ bytes of WAL for it/.test(e.message),
      )
      // It is asked what is kept now and then: on a busy machine a few more segments are written in between.
      assert.ok(most > limit / 4 && most < limit * 1.5, `${most} bytes were kept`)
    })

    test('WAL that the server gave up ends it with the reason', async () => {
      const settings = { max_wal_size: '64MB', wal_keep_size: '0', max_slot_wal_keep_size: '32MB' }
      await using server = await startPostgres({ version, settings })
      await fill(server)
      const write = async () => {
        for (let n = 0; n < 4; n += 1) {
          await server.query(
            'create table if not exists more (t text); insert into more select repeat(md5(g::text), 8) from generate_series(1, 60000) g',
          )
          await server.query('checkpoint')
        }
      }
      const failed = takeBackup(server.address, { between: onceAt(4_000_000, write), clock: quickClock })
      await assert.rejects(
        failed,
        (e) => (Fault.is(e, 'engine_failed') || Fault.is(e, 'instance_unreachable')) && e.hint !== undefined,
      )
    })

    test('one bad page fails a backup, or makes it one that is kept as damaged and names the page', async () => {
      await using server = await startPostgres({ version, initdbArgs: ['--data-checksums'] })
      await fill(server)
      await server.query('create table well as select 7 as a')
      const path = await damage(server, 'filled', 3)
      await assert.rejects(
        takeBackup(server.address),
        (e) => Fault.is(e, 'engine_failed') && /bad page checksums: filled in postgres: block 3 of/.test(e.message),
      )
      const taken = await takeBackup(server.address, { request: { keepCorrupt: true } })
      const name = `filled in postgres: block 3 of ${path}`
      assert.equal(taken.point.available, false)
      assert.equal(taken.point.postgres?.pageChecksums, 'failed')
      assert.deepEqual(taken.point.postgres?.badPages, [name])
      assert.ok(taken.point.warnings.includes(`bad page checksum: ${name}`), taken.point.warnings.join('\n'))
      await using back = await bringBack(server, taken)
      assert.deepEqual(await queryRestored(back, 'select a from well'), [{ a: 7 }])
    })

    test('without checksums the pages count as not checked, never as passed', async () => {
      const initdbArgs = version === 18 ? ['--no-data-checksums'] : []
      await using server = await startPostgres({ version, initdbArgs })
      await fill(server)
      await damage(server, 'filled', 3)
      const { point } = await takeBackup(server.address)
      assert.deepEqual([point.available, point.postgres?.pageChecksums], [true, 'not available'])
    })
  })
}
