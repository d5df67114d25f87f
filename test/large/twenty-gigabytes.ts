import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { addBulk, bulkIn } from '../e2e/bulk.ts'
import { startService } from '../e2e/service.ts'
import { startPostgres } from '../lib/postgres.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { measured } from './measured.ts'

/** Needs 35 GB of disk in /tmp and /var/tmp together. HOLDFAST_LARGE_GB makes it smaller. */
const GIGABYTES = Number(process.env['HOLDFAST_LARGE_GB'] ?? 20)

const SUM = 'select count(*)::int as n, sum(g)::text as sum, sum(length(wide))::text as bytes from segments'

test(`a cluster of ${GIGABYTES} GB, with a table over the boundary of a segment, is backed up and restored in flat memory`, async (context) => {
  await using service = await startService({ below: '/var/tmp' })
  const server = await startPostgres({ version: 15, settings: { wal_level: 'replica', max_wal_size: '4GB' } })
  // Rows of a page each, of which a segment of 1 GiB holds 131,072.
  await server.query(`create table segments (g int, wide text); alter table segments alter wide set storage plain;
    insert into segments select g, repeat(md5(g::text), 160) from generate_series(1, 131073 + 1) g`)
  const source = await server.query(SUM)
  const sums = await addBulk(server, Math.max(1, GIGABYTES - 1), 1000)
  const restored = await measured(service, server, context)
  assert.deepEqual(await bulkIn(restored.dataDirectory), sums)
  await using started = await startRestored(restored, { owner: service.owner })
  assert.deepEqual(await queryRestored(started, SUM), source)
  const relation = await queryRestored(started, `select pg_relation_size('segments')::text as size`)
  assert.ok(Number(relation[0]?.['size']) > 2 ** 30)
})
