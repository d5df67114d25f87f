import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedService } from '../lib/fixed-service.ts'
import { runCli } from '../lib/run-cli.ts'

const node = (HostInstanceID: string, Host: string, Port = 5432) => ({
  HostInstanceID,
  Role: 'Master' as const,
  Host,
  Port,
  User: 'holdfast',
  SslMode: 'prefer',
})
const NODES = { Node: [node('71', '10.0.0.1'), node('72', '::1'), node('73', '10.0.0.1', 5433)] }

const INSTANCE = {
  DBInstanceId: 'pgm-1',
  DBInstanceDescription: '',
  DBInstanceStatus: 'Running',
  DBInstanceType: 'Primary',
  Engine: 'PostgreSQL',
  EngineVersion: '15.0',
  RegionId: 'cn-hangzhou',
  Category: 'Basic',
  ConnectionString: '10.0.0.1',
  ConnectionMode: 'Standard',
  DBInstanceNetType: 'Intranet',
  InstanceNetworkType: 'VPC',
  DBInstanceStorageType: 'local_ssd',
  PayType: 'Postpaid',
  LockMode: 'Unlock',
  ExpireTime: '',
  CreationTime: '2026-01-01T00:00:00Z',
  Port: '5432',
  DBClusterNodes: { DBClusterNode: [] },
  SystemIdentifier: '7',
  Nodes: NODES,
  Settings: {
    PreferReplica: false,
    MaxReplicaLagBytes: 1,
    MaxReplicaLagSeconds: 1,
    WhenLagUnknown: 'skip',
    MaxKeptWalBytes: 1,
    KeepCorrupt: true,
    RpoSeconds: 0,
    MaxBytesPerSecond: 0,
    MaxStoreWaitSeconds: 900,
    BackOffLagSeconds: 0,
    BackOffCommitMilliseconds: 0,
    BackOffMaxSeconds: 3600,
  },
}

/** Runs a command of `instances nodes`, and gives what it asked the service to change. */
async function change(words: readonly string[], stdin = 's3cret\n') {
  await using service = await fixedService({
    DescribeDBInstanceAttribute: { Items: { DBInstanceAttribute: [INSTANCE] } },
    ModifyDBInstanceNodes: { DBInstanceId: 'pgm-1', Nodes: NODES, Problems: { Problem: [] } },
  })
  const env = { HOLDFAST_ENDPOINT: service.endpoint, HOLDFAST_ACCESS_KEY_ID: 'id', HOLDFAST_ACCESS_KEY_SECRET: 's' }
  const run = await runCli(['instances', 'nodes', ...words], env, { stdin })
  return { ...run, asked: service.calls.find(({ action }) => action === 'ModifyDBInstanceNodes')?.parameters }
}

test('login sends the password that it read, and only what was named besides', async () => {
  const { code, out, err, asked } = await change(['login', 'pgm-1', '71', '--password-file', '-'])
  assert.equal(code, 0, err)
  assert.deepEqual(asked, {
    DBInstanceId: 'pgm-1',
    SetNode: JSON.stringify([{ HostInstanceID: '71', Password: 's3cret' }]),
  })
  assert.ok(!`${out}${err}`.includes('s3cret'))
})

test('login changes the user and TLS, and leaves the password as it is when told so', async () => {
  const words = [
    'login',
    'pgm-1',
    '71',
    '--no-password',
    '--user',
    'backup',
    '--ssl-mode',
    'require',
    '--allow-unready',
  ]
  assert.deepEqual((await change(words)).asked, {
    DBInstanceId: 'pgm-1',
    SetNode: JSON.stringify([{ HostInstanceID: '71', User: 'backup', SslMode: 'require' }]),
    AllowUnready: 'true',
  })
})

test('a node is also found by its address, as messages name it', async () => {
  for (const [name, id] of [
    ['10.0.0.1:5432', '71'],
    ['10.0.0.1', '71'],
    ['10.0.0.1:5433', '73'],
    ['[::1]:5432', '72'],
    ['::1:5432', '72'],
  ] as const) {
    assert.equal((await change(['remove', 'pgm-1', name])).asked?.['RemoveNode'], id, name)
  }
})

test('a node that is not there is told with those that are, and nothing is changed', async () => {
  const { code, err, asked } = await change(['login', 'pgm-1', '10.0.0.9:5432', '--password-file', '-'])
  assert.equal(code, 4)
  assert.match(err, /^error: pgm-1 has no node 10\.0\.0\.9:5432\nhint: Its nodes are 71 \(10\.0\.0\.1:5432\), /)
  assert.equal(asked, undefined)
})

test('login that names nothing to change is refused', async () => {
  const { code, err, asked } = await change(['login', 'pgm-1', '71', '--no-password'])
  assert.equal(code, 2)
  assert.match(err, /nothing to change is named\nhint: /)
  assert.equal(asked, undefined)
})

test('without a terminal, a file or standard input no password is asked for', async () => {
  const { code, err } = await change(['login', 'pgm-1', '71'])
  assert.equal(code, 2)
  assert.match(err, /hint: Give it in a file with --password-file FILE/)
})

test('add names one node with how to connect to it', async () => {
  const words = ['add', 'pgm-1', '10.0.0.3:6000', '--user', 'holdfast', '--password-file', '-', '--database', 'app']
  const { asked } = await change(words)
  assert.deepEqual(JSON.parse(asked?.['AddNode'] ?? ''), [
    { Host: '10.0.0.3', Port: '6000', User: 'holdfast', Password: 's3cret', Database: 'app' },
  ])
})
