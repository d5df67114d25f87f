import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, suite, test } from 'node:test'
import { checksums, differences } from '../../quickstart/checksums.ts'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import type { Restored } from '../../src/engine/engine.ts'
import { eventually } from '../lib/eventually.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { runProgram, startService, type E2eService } from './service.ts'
import { compare, download, manifestOf, register, withRestored, type ListedSet } from './sets.ts'

const run = promisify(execFile)

interface Listed extends ListedSet {
  readonly BackupType: string
  readonly StoreStatus: string
}

suite('increments through the whole service', () => {
  let server: TestServer
  let service: E2eService
  let chain: Listed[]

  const take = (type: string) => service.json<Listed>('backups', 'take', 'orders', '--type', type)
  const listed = (...more: readonly string[]) => service.json<Listed[]>('backups', 'list', 'orders', ...more)
  const storedAt = async (set: ListedSet) =>
    join(service.storeDirectory, (await manifestOf(service, set)).parts[0]?.key ?? '')

  before(async () => {
    server = await startPostgres({ version: 18, settings: { summarize_wal: 'on' } })
    service = await startService({ args: ['--set', 'worker.retrySeconds=1', '--set', 'worker.leaseSeconds=5'] })
    await register(service, 'orders', [server])
    await server.query('create table t as select g, md5(g::text) from generate_series(1, 50000) g')
    chain = [await take('full')]
    for (const low of [1, 2]) {
      await server.query(
        `update t set md5 = md5 || 'x' where g < ${low * 500}; create table made_${low} as select 1 as a`,
      )
      chain.push(await take('incremental'))
    }
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test('the text that opens an increment says that it cannot be restored alone, and what it needs', async () => {
    const opened = async (set: ListedSet) => {
      const { stdout } = await run('sh', ['-c', 'zstd -dc "$1" | tar -xO -f - RESTORE.txt', '-', await storedAt(set)])
      return stdout
    }
    const [full, first] = chain
    assert.ok(full && first)
    assert.match(await opened(full), /HOW TO RESTORE THIS BY HAND[\s\S]*pg_ctl/)
    const text = await opened(first)
    assert.match(text, new RegExp(`CANNOT BE RESTORED ALONE\\nIt holds what changed since set ${full.BackupId}\\.`))
    assert.match(text, /pg_combinebackup/)
    assert.doesNotMatch(text, /pg_ctl/)
  })

  test('each names what it adds to, is listed by its type, and downloads as it lies in the store', async () => {
    assert.deepEqual(
      (await listed()).map(({ BackupType, StoreStatus }) => [BackupType, StoreStatus]),
      [
        ['IncrementalBackup', 'Enabled'],
        ['IncrementalBackup', 'Disabled'],
        ['FullBackup', 'Disabled'],
      ],
    )
    assert.equal((await listed('--type', 'incremental')).length, 2)
    const parents = await Promise.all(chain.map(async (set) => (await manifestOf(service, set)).parentId))
    assert.deepEqual(parents, [undefined, chain[0]?.BackupId, chain[1]?.BackupId])
    for (const set of chain) await download(service, set)
  })

  test('the last member verifies and restores with all that it needs, equal to the source', async () => {
    const last = chain.at(-1) ?? assert.fail()
    await service.json('backups', 'verify', last.BackupId)
    await withRestored(service, last, async (started) => assert.deepEqual(await compare(server, started), []))
  })

  test('a clone of the last member runs, equal to the source, and is released', async () => {
    const last = chain.at(-1) ?? assert.fail()
    const clone = await service.json<{ DBInstanceId: string; port: number; warnings: string[] }>(
      'instances',
      'clone',
      last.BackupId,
    )
    assert.deepEqual(clone.warnings, [])
    const { host, port, user, password } = server.address
    const at = (place: number) => ({ host, port: place, user, password, database: 'postgres' })
    assert.deepEqual(differences(await checksums(at(port)), await checksums(at(clone.port))), [])
    assert.equal((await service.run('instances', 'release', clone.DBInstanceId)).code, 0)
  })

  test('a store alone restores it, and a rebuilt catalog knows the chain and keeps it', async () => {
    const last = chain.at(-1) ?? assert.fail()
    const kept = await makeDirectoryFor(undefined, 'holdfast-kept-', '/tmp')
    await using _kept = { [Symbol.asyncDispose]: () => rm(kept, { recursive: true, force: true }) }
    const to = join(service.restoreRoot, 'local')
    const store = `file://${service.storeDirectory}`
    const owner = service.owner ? ['--owner', service.owner.name] : []
    const argv = ['backups', 'restore', last.BackupId, '--store', store, '--to', to, '--bin-dir', server.binDirectory]
    const restored = await runProgram([...argv, ...owner, '--json'])
    assert.equal(restored.code, 0, restored.err)
    {
      await using started = await startRestored(JSON.parse(restored.out) as Restored, { owner: service.owner })
      assert.deepEqual(await compare(server, started), [])
    }
    await rm(to, { recursive: true })
    const dataDirectory = join(kept, 'rebuilt')
    const rebuilt = await runProgram(['catalog', 'rebuild', '--data-dir', dataDirectory, '--set', `store.url=${store}`])
    assert.equal(rebuilt.code, 0, rebuilt.err)
    assert.match(rebuilt.out, /and 3 sets added/)
  })

  test('a member that something adds to is not deleted; a whole chain is', async () => {
    const [full, first] = chain
    for (const set of [full, first]) {
      const refused = await service.run('backups', 'remove', set?.BackupId ?? '')
      assert.equal(refused.code, 6, refused.err)
    }
    const branch = await take('incremental')
    assert.equal((await service.run('backups', 'remove', branch.BackupId)).code, 0)
    assert.equal((await listed()).length, 3)
  })

  test('a worker killed while it takes one takes it again, on the same chain', async () => {
    await server.query(`insert into t select g, repeat(md5(g::text), 20) from generate_series(1, 60000) g`)
    const { BackupJobId } = await service.call<{ BackupJobId: string }>('CreateBackup', {
      DBInstanceId: 'orders',
      BackupType: 'IncrementalBackup',
    })
    await eventually(
      async () => service.log().some((line) => line['task'] === BackupJobId && line['msg'] === 'task started'),
      'the task is started',
    )
    process.kill(await service.workerPid(), 'SIGKILL')
    await eventually(async () => (await listed()).length === 4, 'the increment is taken')
    const [last] = await listed()
    assert.equal(last?.BackupType, 'IncrementalBackup')
    assert.equal((await manifestOf(service, last)).parentId, chain.at(-1)?.BackupId)
    chain.push(last)
    await withRestored(service, last, async (started) => assert.deepEqual(await compare(server, started), []))
  })

  test('one changed byte in a member is found by verify and restore, named by set, and shown for all that need it', async () => {
    const [full, first, second] = chain
    const path = await storedAt(first ?? assert.fail())
    const right = await readFile(path)
    const wrong = Buffer.from(right)
    wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] ?? 0) ^ 1
    await writeFile(path, wrong)
    const named = new RegExp(`set ${first?.BackupId}, which .*needs.*part data`)
    const verified = await service.run('backups', 'verify', second?.BackupId ?? '')
    assert.equal(verified.code, 19)
    assert.match(verified.err, named)
    const to = join(service.restoreRoot, 'damaged')
    const restored = await service.run('backups', 'restore', second?.BackupId ?? '', '--to', to)
    assert.notEqual(restored.code, 0)
    assert.match(restored.err, named)
    const available = new Map((await listed()).map(({ BackupId, IsAvail }) => [BackupId, IsAvail]))
    assert.deepEqual(
      chain.map(({ BackupId }) => available.get(BackupId)),
      [1, 0, 0, 0],
    )
    assert.equal(full?.BackupId, (await manifestOf(service, await take('incremental'))).parentId)
    await writeFile(path, right)
  })
})
