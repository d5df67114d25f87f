import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { checksums } from '../../quickstart/checksums.ts'
import { fingerprintOf } from '../../src/lib/age.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { noteProven } from '../../src/set/proofs.ts'
import { openStore } from '../../src/store/open.ts'
import { startService } from '../e2e/service.ts'
import { download, register, take } from '../e2e/sets.ts'
import { startPostgres } from '../lib/postgres.ts'

/**
 * Writes test/upgrade/v1 with the program as it is: a store with a set of a tiny PostgreSQL 15, a catalog that knows it, a key
 * file, and what the tests must find. From v8 on the set is encrypted, and the identity lies beside it. Run once for each version, before it is released, and never again for it.
 */
const to = join(import.meta.dirname, process.argv[2] ?? 'v1')
await rm(to, { recursive: true, force: true })
await mkdir(to)

const secret = await generateX25519Identity()
const recipient = await identityToRecipient(secret)
await writeFile(join(to, 'identity'), `# public key: ${recipient}\n${secret}\n`, { mode: 0o600 })

const args = [
  'worker.compressionLevel=19',
  'worker.attempts=1',
  `encryption.recipients=${recipient}`,
  'encryption.oneRecipient=true',
  `encryption.identityFile=${join(to, 'identity')}`,
].flatMap((setting) => ['--set', setting])
await using service = await startService({ args })
const store = await openStore(pathToFileURL(service.storeDirectory).href, systemClock)
await noteProven(store, [fingerprintOf(recipient)], systemClock.now())
const expected = await fill()
const key = await service.json<{ AccessKeyId: string; AccessKeySecret: string }>('keys', 'add')
if ((await service.stop()) !== 0) throw new Error('serve did not end as it should')
clean(join(service.dataDirectory, 'catalog.db'))
for (const name of ['store', 'catalog.db', 'key']) {
  await cp(join(service.dataDirectory, name), join(to, name), { recursive: true })
}
await writeFile(join(to, 'expected.json'), `${JSON.stringify({ key, ...expected }, null, 2)}\n`)
console.log(`${to} is written`)

async function fill() {
  await using server = await startPostgres({
    version: 15,
    initdbArgs: ['--data-checksums', '--wal-segsize=1'],
    tablespaces: ['space'],
  })
  await server.query(`
    create table "T able" as select g, md5(g::text) from generate_series(1, 500) g;
    create table spaced tablespace space as select * from "T able" where g < 100;
    select lo_from_bytea(1000, 'a large object'); create sequence s; select nextval('s')`)
  await register(service, 'upgrade-1', [server], ['--description', 'a tiny cluster', '--prefer-replica'])
  await register(service, 'gone-1', [server])
  await service.json('instances', 'remove', 'gone-1')
  const set = await take(service, 'upgrade-1')
  await download(service, set)
  const { host, port, user, password } = server.address
  const sums = await checksums({ host, port, user, password, database: 'postgres' })
  await server.stop()
  await service.run('backups', 'take', 'upgrade-1')
  const sets = await service.json<object[]>('backups', 'list', 'upgrade-1')
  const kept = ['BackupId', 'BackupStatus', 'BackupStartTime', 'BackupEndTime', 'BackupSize', 'HostInstanceID']
  return {
    sets: sets.map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => kept.includes(name)))),
    checksums: sums,
  }
}

/** The name of the machine that wrote it is nobody's business. */
function clean(file: string): void {
  using database = new DatabaseSync(file)
  database.exec(`delete from workers; update tasks set worker = 'worker'; vacuum; pragma wal_checkpoint(truncate)`)
}

