import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { bulkSets } from '../../src/catalog/bulk.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { pageSql } from '../../src/catalog/page-sql.ts'
import { Fault } from '../../src/core/fault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { backupSet, instance, refused } from '../contract/catalog/fixture.ts'
import { postgresDatabases } from './postgres-databases.ts'
import { sealerOf } from './sealer.ts'
import { goldenSql, record, useEveryMethod } from './sql-of-methods.ts'

const databases = postgresDatabases(15)
after(() => databases.close())

async function place() {
  const database = await databases.make()
  return { ...database, sealer: sealerOf(1), clock: systemClock, log: silentLog }
}

test('each method asks PostgreSQL what its golden file says', async () => {
  const recording = record()
  const catalog = await openCatalog({ ...(await place()), heard: (sql) => recording.heard(sql) })
  databases.closeFirst(catalog)
  await useEveryMethod(catalog, (method) => recording.enter(method))
  const { actual, expected } = await goldenSql(recording, 'postgres')
  assert.equal(actual, expected)
})

test('a page of any filter reads index ranges in their order, and reads no whole table', async () => {
  const options = await place()
  const catalog = await openCatalog(options)
  databases.closeFirst(catalog)
  for (let at = 0; at < 20; at++) await catalog.addInstance(instance(`pg-${at}`))
  await bulkSets(
    options,
    Array.from({ length: 20_000 }, (_, at) =>
      backupSet(at + 1, {
        instanceId: `pg-${at % 20}`,
        mode: at % 3 === 0 ? 'Manual' : 'Automated',
        status: at % 7 === 0 ? 'Failed' : 'Success',
        startedAt: 1_600_000_000_000 + at * 1000,
      }),
    ),
  )
  const name = new URL(options.url).pathname.slice(1)
  await databases.query('vacuum analyze sets', name)
  assert.deepEqual(await catalog.check(), [])
  const { total, items } = await catalog.sets({ instanceId: 'pg-3', offset: 600, limit: 30 })
  assert.deepEqual([total, items.length, items[0]?.id], [1000, 30, String(1 + 3 + 20 * 399)])

  const plan = async (text: string, ...values: (string | number | null)[]) => {
    let at = 0
    const sql = text.replaceAll('?', () =>
      typeof values[at] === 'string' ? `'${values[at++]}'` : String(values[at++]),
    )
    const rows = await databases.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, name)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
  const sql = pageSql('postgres', '0')
  const ever = [0, Number.MAX_SAFE_INTEGER] as const
  for (const order of ['asc', 'desc'] as const) {
    const walk = await plan(sql.walk(order), 'pg-3', ...ever, 30, 90)
    assert.match(walk, /Index Scan.* using sets_by_start/)
    assert.doesNotMatch(walk, /Seq Scan|Sort/)
    for (const buckets of [[0], [0, 1], [0, 1, 2, 3]]) {
      const entries = buckets.flatMap((bucket) => sql.entryValues('pg-3', bucket, ever, 60))
      const pick = await plan(sql.pick(order, buckets.length), ...entries, 30, 30, 'pg-3')
      assert.equal(pick.match(/Index (Only )?Scan.* using sets_by_(bucket|start)/g)?.length, buckets.length, pick)
      assert.doesNotMatch(pick, /Seq Scan|Bitmap|Sort  /, pick)
    }
  }
  assert.match(await plan(sql.one, 5), /Index Scan using sets_pkey/)
})

test('several processes that open a new catalog at once all get it', async () => {
  const options = await place()
  const catalogs = await Promise.all(Array.from({ length: 5 }, () => openCatalog(options)))
  for (const catalog of catalogs) databases.closeFirst(catalog)
  await catalogs[0]?.addInstance(instance('pg-1'))
  for (const catalog of catalogs) assert.equal(await catalog.instanceVersion('pg-1'), 1)
})

test('a server that does not answer, a wrong password and a missing database are catalog_unavailable, without the password', async () => {
  const options = await place()
  for (const over of [
    { url: 'postgres://u@127.0.0.1:1/d', password: 'geheim' },
    { password: 'geheim' },
    { password: undefined },
    { url: options.url.replace(/[^/]+$/, 'nowhere') },
  ]) {
    await assert.rejects(openCatalog({ ...options, ...over }), (error) => {
      assert.ok(Fault.is(error, 'catalog_unavailable'), String(error))
      assert.doesNotMatch(`${error.message} ${error.hint}`, /geheim/)
      return true
    })
  }
})

test('a broken connection is catalog_unavailable, and the next question gets a new one', async () => {
  const catalog = await openCatalog(await place())
  databases.closeFirst(catalog)
  await catalog.addInstance(instance('pg-1'))
  await databases.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'`)
  // The pool may hand out a connection before it has heard that it broke.
  for (let tries = 0; tries < 10; tries++)
    await catalog
      .instanceVersion('pg-1')
      .catch((error: unknown) => refused(Promise.reject(error as Error), 'catalog_unavailable'))
  assert.equal(await catalog.instanceVersion('pg-1'), 1)
})

test('another key file is refused', async () => {
  const options = await place()
  databases.closeFirst(await openCatalog(options))
  await refused(openCatalog({ ...options, sealer: sealerOf(2) }), 'invalid')
})
