import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { backupSet, instance, refused } from '../../test/contract/catalog/fixture.ts'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import { CATALOG_VERSION } from './catalog.ts'
import { MIGRATIONS, type Migration } from './migrate.ts'
import { openCatalog, openWith, type CatalogOptions } from './open.ts'

const base = await mkdtemp(join(tmpdir(), 'holdfast-open-'))
after(() => rm(base, { recursive: true }))

const fail = (message: string, { hint }: { hint: string }) => new Error(`${message} | ${hint}`)
const sealerOf = (fill: number) => createSealer([Buffer.alloc(32, fill)], fail)
const clock = new FakeClock('2026-01-02T03:04:05Z')

/** A path in a directory of its own, and how to open a catalog there. */
async function place(over: Partial<CatalogOptions> = {}) {
  const directory = await mkdtemp(join(base, 'c-'))
  const path = join(directory, 'catalog.db')
  const options = { url: `sqlite:${path}`, sealer: sealerOf(1), clock, log: silentLog, ...over }
  return { directory, path, options }
}

const next: Migration = ({ int64 }) => [`alter table workers add column tasks ${int64} not null default 3`]
const broken: Migration = () => ['alter table workers add column half text', 'alter table nowhere add column x text']

test('the version of the catalog is the number of its migrations', () =>
  assert.equal(MIGRATIONS.length, CATALOG_VERSION))

test('a catalog of an older version is copied before it is migrated, and keeps what it holds', async () => {
  const { directory, path, options } = await place()
  const old = await openCatalog(options)
  await old.addInstance(instance('pg-1'))
  await old.beat('w')
  const migrated = await openWith(options, [...MIGRATIONS, next])
  assert.deepEqual(await migrated.instance('pg-1'), await old.instance('pg-1'))
  await migrated.close()
  await old.close()
  assert.deepEqual(await readdir(directory), ['catalog.db', `catalog.db.v${CATALOG_VERSION}-20260102030405`])
  assert.equal((await stat(`${path}.v${CATALOG_VERSION}-20260102030405`)).mode & 0o777, 0o600)

  const copy = await openCatalog({
    ...options,
    url: `sqlite:${path}.v${CATALOG_VERSION}-20260102030405`,
    migrate: false,
  })
  assert.equal((await copy.instance('pg-1'))?.id, 'pg-1')
  await copy.close()
  using file = new DatabaseSync(path)
  assert.deepEqual({ ...file.prepare('select version from about').get() }, { version: CATALOG_VERSION + 1 })
  assert.deepEqual({ ...file.prepare('select tasks from workers').get() }, { tasks: 3 })
})

test('a newer catalog is refused with both versions, and left as it is', async () => {
  const { path, options } = await place()
  await (await openWith(options, [...MIGRATIONS, next])).close()
  const before = await readFile(path)
  await assert.rejects(openCatalog(options), (error) => {
    assert.ok(Fault.is(error, 'too_new'))
    assert.match(error.message, new RegExp(`version ${CATALOG_VERSION + 1}.* up to ${CATALOG_VERSION}`))
    assert.ok(error.hint)
    return true
  })
  assert.deepEqual(await readFile(path), before)
})

test('an older catalog is refused where it may not be migrated', async () => {
  const { directory, options } = await place()
  await (await openCatalog(options)).close()
  await refused(openWith({ ...options, migrate: false }, [...MIGRATIONS, next]), 'conflict')
  assert.deepEqual(await readdir(directory), ['catalog.db'])
  await (await openCatalog({ ...options, migrate: false })).close()
})

test('where there is no catalog and none may be made, that is said', async () => {
  const { options } = await place({ migrate: false })
  await refused(openCatalog(options), 'not_found')
})

test('a migration that fails half way leaves the old version', async () => {
  const { options } = await place()
  await (await openCatalog(options)).close()
  await assert.rejects(openWith(options, [...MIGRATIONS, broken]), /no such table/)
  await (await openCatalog({ ...options, migrate: false })).close()
})

test('several that migrate a catalog at once all get it, and one copy', async () => {
  const { directory, path, options } = await place()
  await (await openCatalog(options)).close()
  const opened = await Promise.all(Array.from({ length: 4 }, () => openWith(options, [...MIGRATIONS, next])))
  for (const catalog of opened) await catalog.close()
  const copy = `catalog.db.v${CATALOG_VERSION}-20260102030405`
  assert.deepEqual(await readdir(directory), ['catalog.db', copy])
  using file = new DatabaseSync(`${path}${copy.slice('catalog.db'.length)}`)
  assert.deepEqual({ ...file.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
})

test('several that open a new catalog at once all get it', async () => {
  const { options } = await place()
  const catalogs = await Promise.all(Array.from({ length: 4 }, () => openCatalog(options)))
  await catalogs[0]?.addInstance(instance('pg-1'))
  for (const catalog of catalogs) assert.equal(await catalog.instanceVersion('pg-1'), 1)
  for (const catalog of catalogs) await catalog.close()
})

test('another key file is refused at once, in words that say so', async () => {
  const { options } = await place()
  await (await openCatalog(options)).close()
  await assert.rejects(openCatalog({ ...options, sealer: sealerOf(2) }), (error) => {
    assert.ok(Fault.is(error, 'invalid'))
    assert.match(error.message, /key file/)
    assert.match(error.hint ?? '', /Give back the key file/)
    return true
  })
})

test('secrets lie in the file only sealed, and a secret moved to another row does not open', async () => {
  const { path, options } = await place()
  const catalog = await openCatalog(options)
  await catalog.addInstance(instance('pg-1'))
  await catalog.addKey({ id: 'HF1', description: '', createdAt: 1 }, 'very secret one')
  await catalog.addKey({ id: 'HF2', description: '', createdAt: 1 }, 'very secret two')
  await catalog.close()
  const bytes = await readFile(path)
  assert.ok(bytes.includes('HF1'))
  for (const secret of ['very secret', 'pass of', Buffer.from('very secret').toString('base64').slice(0, 14)]) {
    assert.ok(!bytes.includes(secret), secret)
  }
  {
    using file = new DatabaseSync(path)
    file.exec(`update access_keys set secret = (select secret from access_keys where id = 'HF2') where id = 'HF1'`)
  }
  const again = await openCatalog(options)
  await refused(again.signingKey('HF1'), 'invalid')
  assert.equal((await again.signingKey('HF2'))?.secret, 'very secret two')
  await again.close()
})

test('the files of a catalog are for their owner alone', async () => {
  const { directory, options } = await place()
  const catalog = await openCatalog(options)
  await catalog.beat('w')
  for (const name of await readdir(directory)) {
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name)
  }
  await catalog.close()
  await catalog.close()
})

test('a file that is no database is corrupt, a place where none can be made is unavailable, an unknown kind is invalid', async () => {
  const { path, options } = await place()
  await writeFile(path, 'x'.repeat(5000))
  await refused(openCatalog(options), 'catalog_corrupt')
  await refused(openCatalog({ ...options, url: `sqlite:${path}/below/catalog.db` }), 'catalog_unavailable')
  await refused(openCatalog({ ...options, url: 'mysql://h/d' }), 'invalid')
})

test('a check names each thing that is not as it must be', async () => {
  const { path, options } = await place()
  const catalog = await openCatalog(options)
  await catalog.addInstance(instance('pg-1'))
  for (const id of [1, 2, 3, 4, 5, 6]) await catalog.adoptSet(backupSet(id))
  const { id } = await catalog.addTask({ kind: 'verify', setId: '6', request: {} })
  assert.deepEqual(await catalog.check(), [])
  using file = new DatabaseSync(path)
  file.exec(`
    pragma foreign_keys = off;
    update set_counts set count = 9 where bucket = 2;
    insert into set_counts values ('pg-1', 5, 1, 1);
    update sets set bucket = 3 where id = 1;
    update sets set parent_id = 77 where id = 2;
    update sets set manifest_key = null where id = 3;
    update sets set removing = 1 where id = 4;
    update sets set held_until = 5 where id = 5;
    delete from holds;
    update about set last_id = 5;
    delete from nodes;
    insert into nodes values (3, 'pg-9', 'primary', '{}', null)`)
  const found = await catalog.check()
  for (const part of [
    'nodes refers to a row of instances',
    'bucket 2 has 4 sets of 4000 bytes, counted are 9 of 6000',
    'bucket 3 has 1 sets',
    'bucket 5 are counted, none is there',
    'set 1: its bucket is 3',
    'set 2: it adds to set 77',
    'set 3: Success, but it names no manifest',
    'set 4: it is being removed, but no task',
    'set 5: held until 5',
    `task ${id}: it reads set 6 without holding it`,
    'instance pg-1: registered, but it has no node',
    'ids: 5 counts as the last',
  ]) {
    assert.ok(
      found.some((line) => line.includes(part)),
      `${part} is not in:\n${found.join('\n')}`,
    )
  }
  assert.equal(found.length, 13)
  await catalog.close()
})
