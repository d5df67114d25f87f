import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { checksums, differences } from '../../quickstart/checksums.ts'
import type { Restored, RestoredInto } from '../../src/engine/engine.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { fillRichly } from '../e2e/rich-source.ts'
import { startService, type E2eService } from '../e2e/service.ts'
import { register, type ListedSet } from '../e2e/sets.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { eventually } from '../lib/eventually.ts'
import { compareServers, databasesOf } from './world.ts'

interface LogicalSet extends ListedSet {
  readonly BackupMethod: string
  readonly BackupDownloadLinkByDB: {
    readonly BackupDownloadLinkByDB: readonly { DataBase: string; DownloadLink: string; IntranetDownloadLink: string }[]
  }
}

const ODD = `Ödd 'db' $1;\\`

suite('a logical set through the service', () => {
  let service: E2eService
  let source: TestServer
  let target: TestServer
  let set: LogicalSet
  let scratch: string
  before(async () => {
    scratch = await mkdtemp('/tmp/holdfast-logical-')
    service = await startService()
    source = await startPostgres({ version: 15 })
    target = await startPostgres({ version: 15 })
    await fillRichly(source)
    await source.query('truncate passing')
    await register(service, 'source', [source])
    await register(service, 'target', [target])
    set = await service.json<LogicalSet>('backups', 'take', 'source', '--method', 'logical')
  })
  after(async () => {
    for (const thing of [service, source, target]) await thing?.[Symbol.asyncDispose]()
    await rm(scratch, { recursive: true, force: true })
  })

  const links = () => set.BackupDownloadLinkByDB.BackupDownloadLinkByDB
  const call = (action: string, parameters: Record<string, string>) =>
    service.call<{ TaskId: string }>(action, parameters)
  const refused = async (action: string, parameters: Record<string, string>) => {
    const all = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
    const { code, err } = await service.run('call', action, ...all)
    assert.notEqual(code, 0)
    return err
  }
  const ofSet = () => ({ DBInstanceId: 'source', BackupId: set.BackupId })

  test('is listed as logical, and names its databases', async () => {
    const [listed] = await service.json<LogicalSet[]>('backups', 'list', 'source')
    assert.equal(listed?.BackupMethod, 'Logical')
    assert.equal(listed.BackupStatus, 'Success')
    assert.deepEqual(
      links().map(({ DataBase }) => DataBase),
      ['Empty "db', 'postgres', ODD],
    )
    const { DatabaseNames } = await service.call<{ DatabaseNames: string }>('DescribeBackupDatabase', ofSet())
    assert.equal(DatabaseNames, ['Empty "db', 'postgres', ODD].join(','))
  })

  test('is downloaded as one tar, which zstd and pg_restore read', async () => {
    const file = join(scratch, 'set.tar')
    await service.json('backups', 'download', set.BackupId, '--output', file)
    execFileSync('tar', ['-xf', file, '-C', scratch])
    const [directory = ''] = (await readdir(scratch)).filter((name) => name.startsWith('source_'))
    const files = await readdir(join(scratch, directory))
    assert.equal(files.length, 4)
    for (const name of files.filter((each) => each.endsWith('.dump.zst'))) {
      const path = join(scratch, directory, name)
      const list = execFileSync('/bin/sh', ['-c', `zstd -dc '${path}' | pg_restore --list`]).toString()
      assert.match(list, /Format: CUSTOM/)
    }
  })

  test('each database has a link of its own, that gives that part and nothing else, in ranges too', async () => {
    for (const { DataBase, DownloadLink } of links()) {
      const reply = await fetch(DownloadLink)
      assert.equal(reply.status, 200, DataBase)
      const bytes = Buffer.from(await reply.arrayBuffer())
      const file = join(scratch, 'part.dump.zst')
      await writeFile(file, bytes)
      const list = execFileSync('/bin/sh', ['-c', `zstd -dc '${file}' | pg_restore --list`]).toString()
      assert.ok(list.includes(`dbname: ${DataBase}`), DataBase)
      const range = await fetch(DownloadLink, { headers: { range: 'bytes=3-9' } })
      assert.equal(range.status, 206)
      assert.deepEqual(Buffer.from(await range.arrayBuffer()), bytes.subarray(3, 10))
    }
  })

  test('one database is downloaded by its name, and one that is not there is told', async () => {
    const file = join(scratch, 'odd.dump.zst')
    await service.json('backups', 'download', set.BackupId, '--database', ODD, '--output', file)
    const list = execFileSync('/bin/sh', ['-c', `zstd -dc '${file}' | pg_restore --list`]).toString()
    assert.ok(list.includes(`dbname: ${ODD}`))
    const { code, err } = await service.run('backups', 'download', set.BackupId, '--database', 'none')
    assert.equal(code, 4)
    assert.match(err, /no database none.*\n.*It has Empty "db, postgres/)
  })

  test('a link to one database is good for no other part of the set', async () => {
    const [one, two] = links().map(({ DownloadLink }) => new URL(DownloadLink))
    assert.ok(one && two)
    one.searchParams.set('Part', two.searchParams.get('Part') ?? '')
    assert.equal((await fetch(one)).status, 403)
    one.searchParams.delete('Part')
    assert.equal((await fetch(one)).status, 403)
  })

  test('every part of it is verified', async () => {
    const verified = await service.json<{ objects: number }>('backups', 'verify', set.BackupId)
    assert.equal(verified.objects, 4)
  })

  test('comes back whole into another instance: databases, roles and every row', async () => {
    const restored = await service.json<RestoredInto>(
      'backups',
      'restore',
      set.BackupId,
      '--into',
      'target',
      '--no-tablespaces',
    )
    assert.deepEqual(
      restored.pieces.map(({ database }) => database),
      ['Empty "db', 'postgres', ODD],
    )
    assert.deepEqual(await compareServers(source, target), [])
    const roles = "select rolname from pg_roles where rolname like 'Back%'"
    assert.deepEqual(await target.query(roles), await source.query(roles))
    for (const name of ['Empty "db', ODD]) await target.query(`drop database "${name.replaceAll('"', '""')}"`)
  })

  test('one database comes back under another name, and one table beside its original', async () => {
    await service.json(
      'backups',
      'restore',
      set.BackupId,
      '--into',
      'target',
      '--database',
      ODD,
      '--as',
      'plain',
      '--no-tablespaces',
    )
    assert.deepEqual(await target.query('select count(*)::int as n from "S c"."Tâble ""x""; drop"', 'plain'), [
      { n: 5000 },
    ])
    const piece = ['--database', 'postgres', '--table', 'plain', '--as', 'plain_then', '--into-database', 'plain']
    const { out } = await service.run(
      'backups',
      'restore',
      set.BackupId,
      '--into',
      'target',
      ...piece,
      '--no-tablespaces',
    )
    assert.match(out, /restored table public\.plain_then of database plain/)
    const sum = (table: string) => `select md5(string_agg(t::text, ',' order by g)) as sum from ${table} t`
    assert.deepEqual(await target.query(sum('plain_then'), 'plain'), await source.query(sum('plain')))
  })

  test('RestoreTable brings a table back into its own instance', async () => {
    const tables = [{ type: 'table', name: 'public.plain', newname: 'plain_back' }]
    const TableMeta = JSON.stringify([{ type: 'db', name: 'postgres', tables }])
    await call('RestoreTable', { ...ofSet(), TableMeta })
    const rows = () => source.query("select 1 as one from pg_class where relname = 'plain_back'")
    await eventually(async () => (await rows()).length === 1, 'the table is back')
    assert.deepEqual(await source.query('select count(*)::int as n from plain_back'), [{ n: 30_000 }])
    await source.query('drop table plain_back')
  })

  test('comes back from the store alone, with nothing but a URL and a password file', async () => {
    const { port, password = '' } = target.address
    const file = join(scratch, 'password')
    await writeFile(file, password, { mode: 0o600 })
    const server = [
      '--into',
      `postgresql://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
      '--password-file',
      file,
    ]
    const store = ['--store', `file://${service.storeDirectory}`]
    const piece = ['--database', 'Empty "db', '--as', 'from store']
    const { code, err } = await service.run('backups', 'restore', set.BackupId, ...store, ...server, ...piece)
    assert.equal(code, 0, err)
    assert.ok((await databasesOf(target)).includes('from store'))
    const open = 'postgresql://postgres:hush@127.0.0.1/postgres'
    const secret = await service.run('backups', 'restore', set.BackupId, ...store, '--into', open)
    assert.equal(secret.code, 2)
    assert.match(secret.err, /URL holds a password/)
    assert.doesNotMatch(secret.err, /hush/)
  })

  /** What a restored server holds, beside its source. */
  async function compareStarted(restored: Restored): Promise<string[]> {
    await using server = await startRestored(restored, { owner: service.owner })
    const { user, password = '' } = source.address
    const copy = { host: '127.0.0.1', port: server.port, user, password, database: 'postgres' }
    return differences(await checksums({ ...copy, port: source.address.port }), await checksums(copy))
  }

  test('becomes a server of its own in a directory, with its roles and their passwords', async () => {
    const to = join(service.restoreRoot, 'whole')
    const restored = await service.json<Restored>('backups', 'restore', set.BackupId, '--to', to)
    assert.deepEqual(restored.warnings, [])
    assert.deepEqual((await readdir(to)).toSorted(), ['data', 'socket'])
    assert.deepEqual(await compareStarted(restored), [])
  })

  test('so it does straight from a store, with no service', async () => {
    const to = ['--to', join(service.restoreRoot, 'alone'), ...(service.owner ? ['--owner', service.owner.name] : [])]
    const store = ['--store', `file://${service.storeDirectory}`]
    const restored = await service.json<Restored>('backups', 'restore', set.BackupId, ...store, ...to)
    assert.deepEqual(await compareStarted(restored), [])
  })

  test('becomes a clone, which is backed up in its turn', async () => {
    const clone = await service.json<Restored & { DBInstanceId: string }>('instances', 'clone', set.BackupId)
    assert.deepEqual(clone.warnings, [])
    const taken = await service.json<ListedSet>('backups', 'take', clone.DBInstanceId)
    assert.equal(taken.BackupStatus, 'Success')
    const released = await service.run('instances', 'release', clone.DBInstanceId)
    assert.equal(released.code, 0, released.err)
  })

  test('a worker that is killed while a set becomes a server leaves none running, and nothing that starts', async () => {
    const to = join(service.restoreRoot, 'killed')
    await call('RestoreBackup', { ...ofSet(), TargetPath: to })
    const pidFile = join(to, 'data.loading/postmaster.pid')
    let pid = ''
    await eventually(async () => {
      // initdb's own processes leave such a file, too, with a negative number.
      pid = /^(\d+)\n/.exec(await readFile(pidFile, 'utf8').catch(() => ''))?.[1] ?? ''
      return pid !== ''
    }, 'the new server comes up')
    process.kill(await service.workerPid(), 'SIGKILL')
    await eventually(
      () =>
        access(`/proc/${pid}`).then(
          () => false,
          () => true,
        ),
      'the server has ended too',
    )
    assert.ok((await readdir(to)).includes('HOLDFAST_RESTORE_INCOMPLETE'))
    await assert.rejects(access(join(to, 'data')))
  })

  test('a physical set goes into no server, and it is said where', async () => {
    const physical = await service.json<ListedSet>('backups', 'take', 'source')
    const into = { DBInstanceId: 'source', BackupId: physical.BackupId, TargetDBInstanceId: 'target' }
    assert.match(await refused('RestoreBackup', into), /is physical.*TargetPath/s)
  })

  test('an instance whose role may not replicate has logical sets, and is told why it has no physical ones', async () => {
    await source.query("create role reader login password 'r'")
    await source.query('grant pg_read_all_data to reader')
    const address = { ...source.address, user: 'reader', password: 'r' }
    await register(service, 'limited', [{ address }], ['--allow-unready'])
    // The large objects belong to a superuser.
    const piece = ['--method', 'logical', '--database', ODD]
    const taken = await service.json<LogicalSet>('backups', 'take', 'limited', ...piece)
    assert.equal(taken.BackupStatus, 'Success')
    const physical = await service.run('backups', 'take', 'limited')
    assert.match(physical.err, /the role reader may not replicate/)
  })

  test('what a call asks for wrongly is refused by name', async () => {
    const take = { DBInstanceId: 'source', BackupMethod: 'Logical' }
    assert.match(await refused('CreateBackup', { ...take, BackupStrategy: 'db' }), /DBName go together/)
    assert.match(await refused('CreateBackup', { ...take, DBName: 'a' }), /DBName go together/)
    assert.match(await refused('CreateBackup', { ...take, BackupStrategy: 'db', DBName: 'a,a' }), /DBName.*none twice/)
    assert.match(await refused('CreateBackup', { ...take, BackupStrategy: 'db', DBName: 'x'.repeat(64) }), /DBName/)
    assert.match(await refused('CreateBackup', { DBInstanceId: 'source', DBName: 'a' }), /need BackupMethod Logical/)
    const into = { ...ofSet(), TargetDBInstanceId: 'target' }
    assert.match(await refused('RestoreBackup', ofSet()), /TargetPath or TargetDBInstanceId/)
    assert.match(await refused('RestoreBackup', { ...into, TableName: 't' }), /TableName needs DBName/)
    assert.match(await refused('RestoreBackup', { ...into, DBName: 'a', TargetDBName: 'b' }), /TargetDBName needs/)
    assert.match(await refused('RestoreBackup', { ...into, TargetDBInstanceId: 'none' }), /none does not exist/)
    const gone = await service.run('backups', 'take', 'source', '--method', 'logical', '--database', 'nope')
    assert.match(gone.err, /no database "nope"/)
    const [failed] = await service.json<LogicalSet[]>('backups', 'list', 'source')
    assert.deepEqual([failed?.BackupStatus, failed?.DownloadLink, failed?.BackupMethod], ['Failed', null, 'Logical'])
  })
})
