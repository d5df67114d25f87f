import assert from 'node:assert/strict'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { eventually } from '../lib/eventually.ts'
import { failedReason, remains, type Served, served } from './served.ts'

const PROGRAM = join(import.meta.dirname, 'unprivileged-holdfast.ts')

const WAITS = /waits for the store since .*EACCES/

const HINT = /Let the user that runs Holdfast read and write the directory of the store/

suite('a service that runs as an ordinary user', () => {
  const stack = new AsyncDisposableStack()
  let service: Served
  let store: string

  before(async () => {
    const account = await databaseAccount()
    const directory = await makeDirectoryFor(account, 'holdfast-user-', '/tmp')
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    store = join(directory, 'store')
    const env = account ? { HOLDFAST_TEST_USER: `${account.uid}:${account.gid}` } : {}
    service = stack.use(await served({ directory, program: PROGRAM, env, args: ['--role', 'all'] }))
    const { code, err } = await service.run(
      'instances',
      'add',
      'pg-1',
      '--node',
      'fake',
      '--user',
      'u',
      '--no-password',
    )
    assert.equal(code, 0, err)
  })
  after(() => stack.disposeAsync())

  const chmodAll = async (mode: number) => {
    for (const directory of [store, join(store, '~drafts')]) await chmod(directory, mode)
  }
  const close = () => chmodAll(0o500)
  const reopen = () => chmodAll(0o700)

  test('and may not write to its store fails a backup with the reason and what to do, and lives', async () => {
    assert.equal((await service.run('instances', 'set', 'pg-1', '--store-wait', '0')).code, 0)
    await close()
    const taken = await service.run('backups', 'take', 'pg-1')
    await reopen()
    assert.equal(taken.code, 13)
    assert.match(await failedReason(service, 'pg-1'), HINT)
    assert.deepEqual(await remains(store), [])
    await service.assertLives()
    const retaken = await service.run('backups', 'take', 'pg-1')
    assert.equal(retaken.code, 0, retaken.err)
  })

  test('and may not read an object says so, and does not call the set damaged', async () => {
    const names = await readdir(store, { recursive: true })
    const object = join(store, names.find((name) => name.endsWith('data.tar.zst')) ?? '')
    const [set] = await service.list('pg-1')
    assert.equal(set?.BackupStatus, 'Success')
    await chmod(object, 0o000)
    const verified = await service.run('backups', 'verify', set.BackupId)
    const download = await fetch(set.DownloadLink ?? '')
    assert.deepEqual([download.status, download.headers.get('retry-after')], [503, '10'])
    await chmod(object, 0o600)
    assert.match(verified.err, HINT)
    assert.doesNotMatch(verified.err, /part data \(/)
    assert.equal((await service.list('pg-1'))[0]?.IsAvail, 1)
    const again = await service.run('backups', 'verify', set.BackupId)
    assert.equal(again.code, 0, again.err)
    await service.assertLives()
  })

  test('and may not write to its store for a while waits for it, tells so, and takes the backup in its first attempt', async () => {
    assert.equal((await service.run('instances', 'set', 'pg-1', '--store-wait', '900')).code, 0)
    await close()
    const taking = service.run('backups', 'take', 'pg-1')
    const waiting = async () => {
      const { out } = await service.run('call', 'DescribeBackupTasks', 'DBInstanceId=pg-1')
      return WAITS.test(out)
    }
    await eventually(waiting, 'the task waits for the store')
    await reopen()
    const { code, err } = await taking
    assert.equal(code, 0, err)
    assert.match(err, /warning: the task waits for the store since .*: .*permission denied/)
    assert.doesNotMatch(err, /attempt failed/)
  })
})
