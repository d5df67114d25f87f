import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderBackup } from '../../src/api/backup-item.ts'
import { fixedService } from '../lib/fixed-service.ts'
import { runCli } from '../lib/run-cli.ts'

const envOf = (endpoint: string) => ({
  HOLDFAST_ENDPOINT: endpoint,
  HOLDFAST_ACCESS_KEY_ID: 'id',
  HOLDFAST_ACCESS_KEY_SECRET: 'hunter2',
})

/** A page of DescribeBackups with one set of this id. */
const pageOf = (id: string) => {
  const moment = Date.parse('2026-01-02T03:04:05Z')
  const set = renderBackup(
    {
      id,
      instanceId: 'pgm-1',
      nodeId: '7',
      status: 'Success',
      type: 'FullBackup',
      mode: 'Manual',
      method: 'Physical',
      startedAt: moment,
      endedAt: moment,
      consistentAt: moment,
      size: 1,
      available: true,
      engine: 'postgres',
      engineVersion: '15.0',
      manifestKey: 'm',
      parentId: undefined,
      reason: undefined,
      held: false,
      verifiedAt: undefined,
    },
    { publicUrl: 'http://h', expiry: () => moment, make: () => ({ url: 'http://h/link', expiresAt: moment }) },
  )
  return { PageNumber: 1, PageRecordCount: 1, TotalRecordCount: 1, TotalEcsSnapshotSize: 0, Items: { Backup: [set] } }
}

async function refused(status: number, Code: string, argv = ['backups', 'take', 'pgm-1']) {
  await using service = await fixedService({ CreateBackup: { status, Code, Message: 'It may not be.' } })
  return await runCli(argv, envOf(service.endpoint))
}

test('a refused call prints error and hint, and exits with the code of its fault', async () => {
  const run = await refused(400, 'BackupJobExists')
  assert.equal(run.code, 6)
  assert.equal(
    run.err,
    'error: CreateBackup: It may not be (BackupJobExists, request R-1)\nhint: Wait for the backup that runs, or cancel it.\n',
  )
  assert.equal(run.out, '')
})

test('exit codes follow what the service says', async () => {
  assert.equal((await refused(404, 'InvalidDBInstanceName.NotFound')).code, 4)
  assert.equal((await refused(400, 'SignatureDoesNotMatch')).code, 3)
  assert.equal((await refused(400, 'InvalidParameter')).code, 2)
  assert.equal((await refused(503, 'ServiceUnavailable')).code, 18)
})

test('a service that does not answer is exit code 18, and the secret is in no message', async () => {
  const run = await runCli(['backups', 'list', 'pgm-1'], envOf('http://127.0.0.1:1'))
  assert.equal(run.code, 18)
  assert.match(run.err, /^error: call http:\/\/127\.0\.0\.1:1: .+\nhint: .+serve.+\n$/)
  assert.doesNotMatch(run.err, /hunter2/)
})

test('a backup that fails exits with 13 and its reason', async () => {
  const job = {
    BackupJobId: '9',
    BackupId: '5',
    BackupStatus: 'Failed',
    BackupProgressStatus: 'Finished',
    Process: '40',
    JobMode: 'Manual',
    TaskAction: 'TempBackupTask',
    DoneSize: 1,
    TotalSize: 2,
    Waits: '',
    FailReason: 'the server went away',
  }
  await using service = await fixedService({
    CreateBackup: { BackupJobId: '9' },
    DescribeBackupTasks: [
      { Items: { BackupJob: [{ ...job, BackupStatus: 'NoStart', BackupProgressStatus: 'NoStart', BackupId: '' }] } },
      { Items: { BackupJob: [job] } },
    ],
  })
  const run = await runCli(['backups', 'take', 'pgm-1'], envOf(service.endpoint))
  assert.equal(run.code, 13)
  assert.match(run.err, /warning: an attempt failed: the server went away\n.*error: the server went away\n/s)
})

test('a check that finds damage exits with 19 and names the part', async () => {
  const task = {
    TaskId: '10',
    TaskKind: 'Verify',
    TaskStatus: 'Failed',
    DBInstanceId: 'pgm-1',
    BackupId: '5',
    Phase: 'checking',
    Process: '50',
    DoneSize: 1,
    TotalSize: 2,
    CancelAsked: false,
    CreateTime: '2026-01-02T03:04:05Z',
    StartTime: '2026-01-02T03:04:05Z',
    EndTime: '2026-01-02T03:04:05Z',
    Waits: '',
    FailReason: 'verify set 5: part data: wrong bytes',
    Result: '',
  }
  await using service = await fixedService({
    DescribeBackups: pageOf('5'),
    VerifyBackup: { TaskId: '10' },
    DescribeBackupSetTasks: { Items: { Task: [task] } },
  })
  const run = await runCli(['backups', 'verify', '5', '--instance', 'pgm-1'], envOf(service.endpoint))
  assert.equal(run.code, 19)
  assert.match(run.err, /error: verify set 5: part data/)
})

test('without endpoint and key everything that is missing is told', async () => {
  const run = await runCli(['backups', 'list', 'pgm-1'])
  assert.equal(run.code, 2)
  for (const word of [
    'HOLDFAST_ENDPOINT',
    'HOLDFAST_ACCESS_KEY_ID',
    'HOLDFAST_ACCESS_KEY_SECRET_FILE',
    'keys add --local',
  ]) {
    assert.ok(run.err.includes(word), word)
  }
})

test('passwords and secrets travel in the body only, never in the URL', async () => {
  await using service = await fixedService({})
  await runCli(['instances', 'add', '--node', 'h', '--user', 'u', '--password-file', '-'], envOf(service.endpoint), {
    stdin: 'database-password\n',
  })
  const [call] = service.calls
  assert.equal(call?.url, '/')
  assert.match(call?.parameters['Node'] ?? '', /database-password/)
})

test('a wrong command or option is exit code 2 with a hint', async () => {
  for (const argv of [
    ['nonsense'],
    ['backups', 'take'],
    ['backups', 'list', 'x', '--nope'],
    ['call', 'X', 'novalue'],
  ]) {
    const run = await runCli(argv, envOf('http://127.0.0.1:1'))
    assert.equal(run.code, 2, argv.join(' '))
    assert.match(run.err, /hint: /)
  }
})

test('help is no error', async () => {
  const run = await runCli(['backups', '--help'])
  assert.equal(run.code, 0)
  assert.match(run.out, /restore/)
})

test('call gives the whole reply of any action, with its parameters as they were given', async () => {
  await using service = await fixedService({ CreateBackup: { BackupJobId: '9' } })
  const run = await runCli(['call', 'CreateBackup', 'DBInstanceId=pgm-1', 'X=a=b'], envOf(service.endpoint))
  assert.deepEqual(JSON.parse(run.out), { RequestId: 'R-1', BackupJobId: '9' })
  assert.deepEqual(service.calls[0]?.parameters, { DBInstanceId: 'pgm-1', X: 'a=b' })
})
