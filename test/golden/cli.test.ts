import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { renderKey } from '../../src/api/key-parameters.ts'
import { drilling } from './drill-answers.ts'
import { renderBackup } from '../../src/api/backup-item.ts'
import type { BackupSet } from '../../src/core/backup-set.ts'
import { cloneCommands } from './clone-answers.ts'
import { LOGICAL, logicalCommands } from './logical-answers.ts'
import { POLICY, PREVIEW } from './policy-answers.ts'
import { at, ENCRYPTED, FAILED, SET } from './sets.ts'
import { fixedService } from '../lib/fixed-service.ts'
import { runCli } from '../lib/run-cli.ts'

/** `node test/golden/cli.test.ts --update` rewrites the files; a person reads the difference. */
const UPDATE = process.argv.includes('--update')
const DIRECTORY = join(import.meta.dirname, 'cli')

const LINKS = {
  publicUrl: 'https://backup.example.com',
  expiry: () => at('2026-01-02T05:00:00Z'),
  make: ({ id, fileName }: { id: string; fileName: string }) => ({
    url: `https://backup.example.com/link/${id}/${fileName}?Expires=1&KeyId=k&Signature=s`,
    expiresAt: at('2026-01-02T05:00:00Z'),
  }),
}

const NODE = {
  HostInstanceID: '5882781',
  Role: 'Master',
  Host: '10.0.0.1',
  Port: 5432,
  User: 'holdfast',
  SslMode: 'prefer',
}
const INSTANCE = {
  DBInstanceId: 'pgm-1',
  DBInstanceDescription: 'orders',
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
}
const SETTINGS = {
  PreferReplica: true,
  MaxReplicaLagBytes: 268_435_456,
  MaxReplicaLagSeconds: 300,
  WhenLagUnknown: 'skip',
  MaxKeptWalBytes: 68_719_476_736,
  KeepCorrupt: true,
  RpoSeconds: 0,
  MaxBytesPerSecond: 5_000_000,
  MaxStoreWaitSeconds: 900,
  BackOffLagSeconds: 30,
  BackOffCommitMilliseconds: 0,
  BackOffMaxSeconds: 3600,
}
const JOB = {
  BackupJobId: '9',
  BackupId: '321020562',
  BackupStatus: 'Finished',
  BackupProgressStatus: 'Finished',
  Process: '100',
  JobMode: 'Manual',
  TaskAction: 'TempBackupTask',
  DoneSize: 100,
  TotalSize: 100,
  FailReason: '',
  Waits: '',
}
const TASK = {
  TaskId: '10',
  TaskKind: 'Verify',
  TaskStatus: 'Finished',
  DBInstanceId: 'pgm-1',
  BackupId: '321020562',
  Phase: 'done',
  Process: '100',
  DoneSize: 100,
  TotalSize: 100,
  CancelAsked: false,
  CreateTime: '2026-01-02T03:04:05Z',
  StartTime: '2026-01-02T03:04:05Z',
  EndTime: '2026-01-02T03:04:05Z',
  FailReason: '',
  Waits: '',
  Result: '{"objects":2,"bytes":2168000}',
}
const RESTORED = {
  dataDirectory: '/srv/restore/a/data',
  startCommand: ['/usr/lib/postgresql/15/bin/postgres', '-D', '/srv/restore/a/data'],
  port: 5433,
  socketDirectory: '/srv/restore/a/socket',
  superuser: 'postgres',
  files: 1280,
  bytes: 40_000_000,
  warnings: ['collation de_DE has another version here: REINDEX it'],
}
const KEY = renderKey({ id: 'HFabc', description: 'ci', createdAt: Date.parse('2026-01-02T03:04:05Z') })

const page = (sets: readonly BackupSet[]) => ({
  PageNumber: 1,
  PageRecordCount: sets.length,
  TotalRecordCount: sets.length,
  TotalEcsSnapshotSize: 0,
  Items: { Backup: sets.map((set) => renderBackup(set, LINKS)) },
})

const ANSWERS = {
  DescribeRegions: {
    Regions: {
      RDSRegion: [
        {
          RegionId: 'cn-hangzhou',
          ZoneId: 'cn-hangzhou-a',
          LocalName: '',
          RegionEndpoint: 'backup.example.com',
          ZoneName: '',
        },
      ],
    },
  },
  DescribeDBInstances: {
    PageNumber: 1,
    PageRecordCount: 1,
    TotalRecordCount: 1,
    NextToken: '',
    Items: {
      DBInstance: [{ ...INSTANCE, CreateTime: '2026-01-01T00:00:00Z' }],
    },
  },
  DescribeDBInstanceAttribute: {
    Items: {
      DBInstanceAttribute: [
        {
          ...INSTANCE,
          CreationTime: '2026-01-01T00:00:00Z',
          Port: '5432',
          DBClusterNodes: { DBClusterNode: [{ NodeId: '5882781', NodeRole: 'primary', Status: 'active' }] },
          SystemIdentifier: '7300000000000000001',
          Nodes: { Node: [NODE] },
          Settings: SETTINGS,
        },
      ],
    },
  },
  RegisterDBInstance: {
    DBInstanceId: 'pgm-1',
    Engine: 'PostgreSQL',
    EngineVersion: '15.0',
    SystemIdentifier: '7300000000000000001',
    Nodes: { Node: [NODE] },
    Problems: {
      Problem: [
        {
          Node: '10.0.0.1:5432',
          Severity: 'warning',
          What: 'settings may not be read',
          Fix: 'GRANT pg_monitor TO holdfast;',
        },
      ],
    },
  },
  ModifyDBInstanceNodes: {
    DBInstanceId: 'pgm-1',
    Nodes: { Node: [NODE, { ...NODE, HostInstanceID: '5882782', Role: 'Slave', Host: '10.0.0.2' }] },
    Problems: {
      Problem: [
        {
          Node: '10.0.0.2:5432',
          Severity: 'warning',
          What: 'settings may not be read',
          Fix: 'GRANT pg_monitor TO holdfast;',
        },
      ],
    },
  },
  ModifyDBInstanceSettings: {
    DBInstanceId: 'pgm-1',
    DBInstanceDescription: 'orders',
    EngineVersion: '15.0',
    SystemIdentifier: '7300000000000000001',
    Settings: SETTINGS,
    Nodes: { Node: [NODE] },
  },
  DescribeServiceBandwidth: { MaxBytesPerSecond: 20_000_000 },
  ModifyServiceBandwidth: { MaxBytesPerSecond: 0 },
  DeregisterDBInstance: { DBInstanceId: 'pgm-1' },
  DescribeBackups: page([SET]),
  CreateBackup: { BackupJobId: '9' },
  DescribeBackupTasks: { Items: { BackupJob: [JOB] } },
  VerifyBackup: { TaskId: '10' },
  DrillBackup: { TaskId: '10' },
  RestoreBackup: { TaskId: '10', TargetPath: '/srv/restore/a' },
  DescribeBackupSetTasks: { Items: { Task: [TASK] } },
  CancelTask: { ...TASK, TaskStatus: 'Running', CancelAsked: true, EndTime: '', Result: '' },
  DeleteBackup: {},
  PinBackupSet: { DBInstanceId: 'pgm-1', BackupId: '321020562', Pinned: true },
  ModifyBackupSetExpireTime: { Code: '200', Data: '321020562', Message: '', Success: true },
  DescribeBackupPolicy: POLICY,
  ModifyBackupPolicy: {
    DBInstanceID: 'pgm-1',
    EnableBackupLog: '0',
    CompressType: '',
    HighSpaceUsageProtection: 'Disable',
    LocalLogRetentionHours: 0,
    LocalLogRetentionSpace: '0',
    LogBackupLocalRetentionNumber: 60,
  },
  PreviewBackupPolicy: PREVIEW,
  CreateAccessKey: { ...KEY, AccessKeySecret: 'shown-once' },
  ListAccessKeys: { AccessKeys: { AccessKey: [KEY] } },
  ModifyAccessKey: { AccessKeyId: 'HFabc' },
  RotateAccessKey: {
    AccessKeyId: 'HFabc',
    AccessKeySecret: 'shown-once',
    OldSecretExpireTime: '2026-01-03T03:04:05Z',
  },
  DeleteAccessKey: { AccessKeyId: 'HFabc' },
}

const restoring = {
  DescribeBackupSetTasks: { Items: { Task: [{ ...TASK, TaskKind: 'Restore', Result: JSON.stringify(RESTORED) }] } },
}
const unstarted = { CancelTask: { ...TASK, TaskStatus: 'Cancelled', CancelAsked: true } }

/** Each command, what its service answers otherwise, and the name of its golden file. */
const COMMANDS: readonly { name: string; argv: readonly string[]; answers?: object }[] = [
  {
    name: 'instances-add',
    argv: ['instances', 'add', 'pgm-1', '--node', '10.0.0.1', '--user', 'holdfast', '--password-file', '-'],
  },
  { name: 'instances-list', argv: ['instances', 'list'] },
  { name: 'instances-show', argv: ['instances', 'show', 'pgm-1'] },
  { name: 'instances-set', argv: ['instances', 'set', 'pgm-1', '--bandwidth', '5000000'] },
  { name: 'service-show', argv: ['service', 'show'] },
  { name: 'service-set', argv: ['service', 'set', '--bandwidth', '0'] },
  { name: 'instances-remove', argv: ['instances', 'remove', 'pgm-1'] },
  {
    name: 'instances-nodes-add',
    argv: ['instances', 'nodes', 'add', 'pgm-1', '10.0.0.2', '--user', 'holdfast', '--password-file', '-'],
  },
  {
    name: 'instances-nodes-login',
    argv: ['instances', 'nodes', 'login', 'pgm-1', '5882781', '--password-file', '-'],
  },
  { name: 'instances-nodes-remove', argv: ['instances', 'nodes', 'remove', 'pgm-1', '5882781'] },
  { name: 'backups-take', argv: ['backups', 'take', 'pgm-1'] },
  { name: 'backups-take-no-wait', argv: ['backups', 'take', 'pgm-1', '--no-wait'] },
  { name: 'backups-list', argv: ['backups', 'list', 'pgm-1'], answers: { DescribeBackups: page([FAILED, SET]) } },
  { name: 'backups-show', argv: ['backups', 'show', '321020562'] },
  {
    name: 'backups-show-encrypted',
    argv: ['backups', 'show', '321020562'],
    answers: { DescribeBackups: page([ENCRYPTED]) },
  },
  { name: 'backups-show-failed', argv: ['backups', 'show', '321020563'], answers: { DescribeBackups: page([FAILED]) } },
  { name: 'backups-verify', argv: ['backups', 'verify', '321020562'] },
  { name: 'backups-drill', argv: ['backups', 'drill', '321020562'], answers: drilling(TASK) },
  { name: 'backups-restore', argv: ['backups', 'restore', '321020562', '--to', '/srv/restore/a'], answers: restoring },
  ...cloneCommands(TASK, RESTORED),
  ...logicalCommands(TASK, page([{ ...SET, ...LOGICAL }])),
  { name: 'backups-remove', argv: ['backups', 'remove', '321020562'] },
  { name: 'backups-pin', argv: ['backups', 'pin', '321020562'] },
  { name: 'backups-keep', argv: ['backups', 'keep', '321020562', '--until', 'never'] },
  { name: 'tasks-cancel', argv: ['tasks', 'cancel', '10'] },
  { name: 'tasks-cancel-waiting', argv: ['tasks', 'cancel', '10'], answers: unstarted },
  { name: 'policies-show', argv: ['policies', 'show', 'pgm-1'] },
  { name: 'policies-set', argv: ['policies', 'set', 'pgm-1', '--released', 'Latest'] },
  { name: 'policies-preview', argv: ['policies', 'preview', 'pgm-1', '--keep-days', '7'] },
  { name: 'keys-add', argv: ['keys', 'add', '--description', 'ci'] },
  { name: 'keys-list', argv: ['keys', 'list'] },
  { name: 'keys-modify', argv: ['keys', 'modify', 'HFabc', '--role', 'read'] },
  { name: 'keys-rotate', argv: ['keys', 'rotate', 'HFabc'] },
  { name: 'keys-remove', argv: ['keys', 'remove', 'HFabc'] },
]

function compare(file: string, text: string): void {
  const path = join(DIRECTORY, file)
  mkdirSync(DIRECTORY, { recursive: true })
  if (UPDATE) writeFileSync(path, text)
  assert.equal(text, readFileSync(path, 'utf8'))
}

for (const { name, argv, answers } of COMMANDS) {
  for (const json of [true, false]) {
    test(`holdfast ${argv.join(' ')}${json ? ' --json' : ''} prints what it always did`, async () => {
      await using service = await fixedService({ ...ANSWERS, ...answers })
      const env = { HOLDFAST_ENDPOINT: service.endpoint, HOLDFAST_ACCESS_KEY_ID: 'id', HOLDFAST_ACCESS_KEY_SECRET: 's' }
      const run = await runCli([...argv, json ? '--json' : '--utc'], env, { stdin: 'secret\n' })
      assert.equal(run.code, 0, run.err)
      if (json) JSON.parse(run.out)
      compare(`${name}.${json ? 'json' : 'txt'}`, json ? run.out : `${run.out}--- stderr\n${run.err}`)
    })
  }
}
