import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { checksums, differences } from '../../quickstart/checksums.ts'
import type { Restored } from '../../src/engine/engine.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { runProgram, startService, type E2eService } from '../e2e/service.ts'
import { compare, manifestOf, register, take, withRestored, type ListedSet } from '../e2e/sets.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { ageOpens, makeKey, type KeyPair } from './keys.ts'

const run = promisify(execFile)

interface Listed extends ListedSet {
  readonly BackupType: string
  readonly Encryption: string
}

const encryptionOf = (set: ListedSet) => JSON.parse((set as Listed).Encryption) as unknown

suite('encrypted sets through the whole service', () => {
  let directory: string
  let server: TestServer
  let service: E2eService
  let [own, vault, stranger]: KeyPair[] = []
  let [full, logical]: Listed[] = []

  const key = (one: KeyPair | undefined) => one ?? assert.fail()
  const fingerprints = () => [key(own).fingerprint, key(vault).fingerprint].toSorted()
  const recipients = () => ['--set', `encryption.recipients=${key(own).recipient},${key(vault).recipient}`]
  const held = () => [...recipients(), '--set', `encryption.identityFile=${key(own).file}`]
  const local = (...argv: readonly string[]) =>
    runProgram([...argv, '--data-dir', join(directory, 'service'), ...recipients()])
  const restart = async (args: readonly string[]) => {
    await service.stop()
    await service[Symbol.asyncDispose]()
    service = await startService({ dataDirectory: join(directory, 'service'), args })
  }
  const storedAt = async (set: ListedSet, at = 0) =>
    join(service.storeDirectory, (await manifestOf(service, set)).parts[at]?.key ?? '')
  const restoreLocally = async (set: ListedSet, to: string, ...more: readonly string[]) =>
    runProgram([
      'backups',
      'restore',
      set.BackupId,
      '--store',
      `file://${service.storeDirectory}`,
      '--to',
      to,
      '--json',
      ...(service.owner ? ['--owner', service.owner.name] : []),
      ...more,
    ])

  before(async () => {
    directory = await makeDirectoryFor(undefined, 'holdfast-encryption-', '/tmp')
    ;[own, vault, stranger] = await Promise.all(['own', 'vault', 'stranger'].map((name) => makeKey(directory, name)))
    server = await startPostgres({ version: 15, tablespaces: ['outer'] })
    await server.query(`create table t as select g, md5(g::text) from generate_series(1, 30000) g;
      create table spaced tablespace "outer" as select * from t where g < 2000; create sequence s; select nextval('s')`)
    service = await startService({ dataDirectory: join(directory, 'service'), args: held() })
    await register(service, 'orders', [server])
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  test('no backup is taken before somebody has opened a challenge, with the age of Debian', async () => {
    const refused = await service.run('backups', 'take', 'orders')
    assert.notEqual(refused.code, 0)
    assert.match(refused.err, /nobody has shown yet that he has an identity/)
    assert.match(refused.err, /holdfast encryption challenge DIR/)
    const made = await local('encryption', 'challenge', join(directory, 'challenges'), '--json')
    const files = JSON.parse(made.out) as { fingerprint: string; file: string }[]
    const { file = '' } = files.find(({ fingerprint }) => fingerprint === key(vault).fingerprint) ?? {}
    await assert.rejects(ageOpens(file, key(own)), /no identity matched/)
    const [, answer = ''] = /holdfast encryption prove (\w+)/.exec((await ageOpens(file, key(vault))).toString()) ?? []
    const wrong = await local(
      'encryption',
      'prove',
      answer.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    )
    assert.equal(wrong.code, 2, wrong.err)
    assert.match((await local('encryption', 'prove', answer)).out, new RegExp(key(vault).fingerprint))
    assert.equal((await local('encryption', 'prove', answer)).code, 2, 'an answer is good for once')
    const status = JSON.parse((await local('encryption', 'status', '--json')).out) as {
      recipients: { fingerprint: string; provenAt: string | null }[]
    }
    assert.deepEqual(
      status.recipients.map(({ fingerprint, provenAt }) => [fingerprint, provenAt === null]),
      [
        [key(own).fingerprint, true],
        [key(vault).fingerprint, false],
      ],
    )
  })

  test('a set of a service that holds an identity is verified, restored and equal, and its link gives what age opens', async () => {
    full = (await take(service, 'orders')) as Listed
    assert.deepEqual(encryptionOf(full), { format: 'age', mode: 'held', recipients: fingerprints() })
    assert.match(new URL(full.BackupDownloadURL).pathname, /\.tar\.zst\.age$/)
    const file = join(directory, 'downloaded.age')
    await service.json('backups', 'download', full.BackupId, '--output', file)
    assert.ok((await readFile(file)).equals(await readFile(await storedAt(full))))
    const tar = await run('sh', ['-c', 'age -d -i "$1" "$2" | zstd -dc | tar -t', '-', key(vault).file, file])
    assert.match(tar.stdout, /^RESTORE\.txt\n(.*\n)*data\/backup_manifest\n$/)
    const verified = await service.json<{ opened: boolean }>('backups', 'verify', full.BackupId)
    assert.equal(verified.opened, true)
    await withRestored(service, full, async (started) => assert.deepEqual(await compare(server, started), []))
  })

  test('it is drilled, and becomes a clone', async () => {
    const set = full ?? assert.fail()
    const drilled = await service.json<{ databases: { tables: { name: string; rows: number }[] }[] }>(
      'backups',
      'drill',
      set.BackupId,
    )
    const tables = drilled.databases.flatMap((database) => database.tables)
    assert.equal(tables.find(({ name }) => name === 'public.t')?.rows, 30_000)
    const { DBInstanceId: id, port } = await service.json<{ DBInstanceId: string; port: number }>(
      'instances',
      'clone',
      set.BackupId,
    )
    const { user, password = '' } = server.address
    const at = (one: number) => ({ host: '127.0.0.1', port: one, user, password, database: 'postgres' })
    assert.deepEqual(differences(await checksums(at(server.address.port)), await checksums(at(port))), [])
    await service.json('instances', 'release', id)
  })

  test('a logical set is encrypted in every part, and a piece of it goes back into the server', async () => {
    logical = await service.json<Listed>('backups', 'take', 'orders', '--method', 'logical')
    const { parts } = await manifestOf(service, logical)
    assert.deepEqual(parts.length, 2)
    assert.ok(parts.every(({ key: at }) => /\.(dump|sql)\.zst\.age$/.test(at)))
    const page = await readFile(new URL('../../docs/format.md', import.meta.url), 'utf8')
    const [, open = ''] = /^```sh age=2\n([\s\S]*?)^```$/m.exec(page) ?? []
    const [, check = ''] = /^```sh logical=1\n([\s\S]*?)^```$/m.exec(page) ?? []
    const opened = join(directory, 'opened')
    const env = { ...process.env, SET: dirname(await storedAt(logical)), OPENED: opened, IDENTITY: key(own).file }
    await run('sh', ['-c', `${open}${check}`], { env })
    assert.deepEqual((await readdir(opened)).toSorted(), parts.map((part) => basename(part.key, '.age')).toSorted())
    const dump = await run('sh', ['-c', `zstd -dc "$1"/db-*.dump.zst | head -c 5`, '-', opened])
    assert.equal(dump.stdout, 'PGDMP')
    await service.json(
      'backups',
      'restore',
      logical.BackupId,
      '--into',
      'orders',
      '--database',
      'postgres',
      '--table',
      't',
      '--as',
      't_again',
    )
    const [found] = await server.query<{ same: boolean }>(
      'select (select count(*) from t) = (select count(*) from t_again) as same',
    )
    assert.equal(found?.same, true)
    await server.query('drop table t_again')
  })

  test('a service in escrow takes sets, checks what is stored, and restores nothing', async () => {
    await restart(recipients())
    const set = (await take(service, 'orders')) as Listed
    assert.deepEqual(encryptionOf(set), { format: 'age', mode: 'escrow', recipients: fingerprints() })
    const verified = await service.json<{ opened: boolean; objects: number }>('backups', 'verify', set.BackupId)
    assert.deepEqual([verified.opened, verified.objects], [false, 2])
    const refused = await service.run('backups', 'restore', set.BackupId, '--to', join(service.restoreRoot, 'refused'))
    assert.notEqual(refused.code, 0)
    for (const word of [...fingerprints(), '--identity FILE']) assert.ok(refused.err.includes(word), refused.err)
    const into = await service.run('backups', 'restore', logical?.BackupId ?? '', '--into', 'orders')
    assert.ok(into.err.includes('--identity FILE'), into.err)
    for (const refusing of [
      ['backups', 'drill', set.BackupId],
      ['instances', 'clone', set.BackupId],
    ]) {
      const { code, err } = await service.run(...refusing)
      assert.notEqual(code, 0)
      assert.match(err, /is encrypted to .*, and this service holds no identity of theirs/)
    }
    const toService = await service.run('backups', 'restore', set.BackupId, '--to', '/x', '--identity', key(own).file)
    assert.equal(toService.code, 2)
    const damaged = await storedAt(set)
    const right = await readFile(damaged)
    const wrong = Buffer.from(right)
    wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] ?? 0) ^ 1
    await chmod(damaged, 0o600)
    await writeFile(damaged, wrong)
    const found = await service.run('backups', 'verify', set.BackupId)
    assert.equal(found.code, 19, found.err)
    assert.match(found.err, /SHA-256/)
    await writeFile(damaged, right)
  })

  test("an identity restores it from the store alone; a stranger's is told by its fingerprint", async () => {
    const set = full ?? assert.fail()
    const to = join(service.restoreRoot, 'local')
    const none = await restoreLocally(set, to)
    assert.equal(none.code, 23, none.err)
    assert.match(none.err, new RegExp(`encrypted to ${fingerprints().join(', ')}, and there is no identity here`))
    const other = await restoreLocally(set, to, '--identity', key(stranger).file)
    assert.equal(other.code, 23, other.err)
    assert.ok(other.err.includes(`not to ${key(stranger).fingerprint}`), other.err)
    const [, secret = ''] = /(AGE-SECRET-KEY-\S+)/.exec(await readFile(key(vault).file, 'utf8')) ?? []
    const inArgument = await restoreLocally(set, to, '--identity', secret)
    assert.equal(inArgument.code, 2)
    assert.ok(!inArgument.err.includes(secret))
    const restored = await restoreLocally(set, to, '--identity', key(vault).file)
    assert.equal(restored.code, 0, restored.err)
    {
      await using started = await startRestored(JSON.parse(restored.out) as Restored, { owner: service.owner })
      assert.deepEqual(await compare(server, started), [])
    }
    await rm(to, { recursive: true })
  })

  test('the newest sets are opened by hand, and that is noted; one set is read whole', async () => {
    const checked = await local('encryption', 'check', '--identity', key(own).file)
    assert.equal(checked.code, 0, checked.err)
    assert.match(checked.out, /^set \d+ of orders: opened\n$/)
    assert.doesNotMatch((await local('encryption', 'status')).out, /never/)
    const refused = await local('encryption', 'check', '--identity', key(stranger).file)
    assert.equal(refused.code, 23)
    const whole = await local('encryption', 'check', logical?.BackupId ?? '', '--identity', key(own).file)
    assert.match(whole.out, /is right: 2 objects/)
  })

  test('increments are taken in escrow, put together with an identity, and never onto a set for others', async () => {
    await using grown = await startPostgres({ version: 18, settings: { summarize_wal: 'on' } })
    await grown.query('create table t as select g, md5(g::text) from generate_series(1, 20000) g')
    await register(service, 'grown', [grown])
    const takeOf = (type: string) => service.json<Listed>('backups', 'take', 'grown', '--type', type)
    await takeOf('full')
    await grown.query("update t set md5 = md5 || 'x' where g < 300; create table made as select 1 as a")
    const last = await takeOf('incremental')
    assert.equal(last.BackupType, 'IncrementalBackup')
    const to = join(service.restoreRoot, 'chain')
    const argv = ['--identity', key(vault).file, '--bin-dir', grown.binDirectory]
    const restored = await restoreLocally(last, to, ...argv)
    assert.equal(restored.code, 0, restored.err)
    {
      await using started = await startRestored(JSON.parse(restored.out) as Restored, { owner: service.owner })
      assert.deepEqual(await compare(grown, started), [])
    }
    await rm(to, { recursive: true })
    await restart(['--set', `encryption.recipients=${key(own).recipient},${key(stranger).recipient}`])
    const next = await takeOf('incremental')
    assert.equal(next.BackupType, 'FullBackup')
    const { warnings } = await manifestOf(service, next)
    assert.match(warnings.join(), new RegExp(`set ${last.BackupId} is not encrypted to the same recipients`))
  })

  test('a catalog is rebuilt without any identity, and knows who can open what', async () => {
    const argv = ['catalog', 'rebuild', '--data-dir', join(directory, 'rebuilt'), '--json']
    const rebuilt = await runProgram([...argv, '--set', `store.url=file://${service.storeDirectory}`])
    assert.equal(rebuilt.code, 0, rebuilt.err)
    assert.equal((JSON.parse(rebuilt.out) as { sets: number }).sets, 6)
    using database = new DatabaseSync(join(directory, 'rebuilt/catalog.db'), { readOnly: true })
    const rows = database.prepare('select id, encryption from sets').all()
    const known = new Map(rows.map(({ id, encryption }) => [String(id), JSON.parse(String(encryption)) as unknown]))
    assert.equal(known.size, 6)
    assert.deepEqual(known.get(full?.BackupId ?? ''), { format: 'age', mode: 'held', recipients: fingerprints() })
  })
})
