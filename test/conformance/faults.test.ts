import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Action } from '../../src/api/action.ts'
import { ACTIONS } from '../../src/api/actions.ts'
import { parseParameters } from '../../src/api/parse-parameters.ts'
import type { Request } from '../../src/api/request.ts'
import { rdsErrorOf } from '../../src/api/rpc-errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Instance } from '../../src/core/instance.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import { Fault, type FaultCode } from '../../src/core/fault.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Store } from '../../src/store/store.ts'
import { openContext, sampleSet } from './context.ts'
import { NODE } from './service.ts'

/** The faults that each method promises, beside those that any call of a catalog or a store may meet. */
const PROMISED: Readonly<Partial<Record<keyof Catalog | keyof Store, readonly FaultCode[]>>> = {
  addInstance: ['conflict', 'replayed'],
  updateInstance: ['not_found', 'replayed'],
  deregisterInstance: ['not_found', 'replayed'],
  removeSets: ['locked', 'not_found', 'replayed'],
  addTask: ['locked', 'not_found', 'replayed'],
  changePolicy: ['not_found', 'replayed'],
  pinSet: ['not_found', 'replayed'],
  setExpiry: ['not_found', 'replayed'],
  cancelTask: ['not_found', 'conflict', 'replayed'],
  addKey: ['replayed'],
  spendCall: ['replayed'],
  setBandwidth: ['replayed'],
  changeKey: ['not_found', 'replayed'],
  rotateKey: ['not_found', 'replayed'],
  removeKey: ['not_found', 'replayed'],
  put: ['store_full'],
}

const A_DAY = { StartTime: '2026-01-01T00:00Z', EndTime: '2026-01-02T00:00Z' }

/** A good call of every action. */
const CALLS: Readonly<Record<string, (world: World) => Readonly<Record<string, string>>>> = {
  DescribeBackups: () => ({ DBInstanceId: 'pgm-a' }),
  CreateBackup: () => ({ DBInstanceId: 'pgm-a' }),
  DeleteBackup: () => ({ DBInstanceId: 'pgm-a', BackupId: '1001' }),
  DescribeBackupTasks: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeBackupPolicy: () => ({ DBInstanceId: 'pgm-a' }),
  ModifyBackupPolicy: () => ({ DBInstanceId: 'pgm-a', BackupRetentionPeriod: '9' }),
  ModifyBackupSetExpireTime: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000', ExpectExpireTime: 'Never' }),
  PinBackupSet: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000' }),
  PreviewBackupPolicy: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeDetachedBackups: () => ({ Region: 'cn-hangzhou' }),
  DescribeBackupDatabase: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000' }),
  DescribeMetaList: () => ({ DBInstanceId: 'pgm-a', BackupSetID: '1000' }),
  DescribeLogBackupFiles: () => ({ DBInstanceId: 'pgm-a', ...A_DAY }),
  DescribeBinlogFiles: () => ({ DBInstanceId: 'pgm-a', ...A_DAY }),
  DescribeLocalAvailableRecoveryTime: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeAvailableRecoveryTime: () => ({ CrossBackupId: '1' }),
  RestoreTable: () => ({ DBInstanceId: 'pgm-a', BackupId: '1002', TableMeta: '[{"type":"db","name":"a"}]' }),
  CloneDBInstance: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000', PayType: 'Postpaid' }),
  DeleteDBInstance: () => ({ DBInstanceId: 'pgm-clone' }),
  DescribeDBInstanceNetInfo: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeDBInstanceHAConfig: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeDatabases: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeAvailableZones: () => ({ Engine: 'PostgreSQL' }),
  DescribeDBInstances: () => ({ RegionId: 'cn-hangzhou' }),
  DescribeDBInstanceAttribute: () => ({ DBInstanceId: 'pgm-a' }),
  DescribeRegions: () => ({}),
  RegisterDBInstance: () => ({ DBInstanceId: 'pgm-new', Node: JSON.stringify([NODE]) }),
  ModifyDBInstanceSettings: () => ({ DBInstanceId: 'pgm-a', PreferReplica: 'true' }),
  DescribeServiceBandwidth: () => ({}),
  ModifyServiceBandwidth: () => ({ MaxBytesPerSecond: '100000' }),
  ModifyDBInstanceNodes: () => ({
    DBInstanceId: 'pgm-a',
    AddNode: JSON.stringify([{ ...NODE, Host: 'replica' }]),
    AllowUnready: 'true',
  }),
  DeregisterDBInstance: () => ({ DBInstanceId: 'pgm-a' }),
  VerifyBackup: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000' }),
  DrillBackup: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000' }),
  RevokeBackupLinks: () => ({ DBInstanceId: 'pgm-a', BackupId: '1000' }),
  RestoreBackup: ({ directory }) => ({ DBInstanceId: 'pgm-a', BackupId: '1000', TargetPath: join(directory, 'new') }),
  DescribeBackupSetTasks: () => ({ DBInstanceId: 'pgm-a' }),
  CancelTask: ({ waiting }) => ({ TaskId: waiting }),
  CreateAccessKey: () => ({}),
  ListAccessKeys: () => ({}),
  DescribeAuditRecords: () => ({}),
  DescribeAlerts: () => ({}),
  ModifyAccessKey: () => ({ UserAccessKeyId: 'other', Role: 'read' }),
  RotateAccessKey: () => ({ UserAccessKeyId: 'other' }),
  AssumeRole: () => ({ RoleSessionName: 'somebody' }),
  DeleteAccessKey: () => ({ UserAccessKeyId: 'other' }),
}

/** What the calls above need, and the id of a task that waits. */
async function prepared() {
  const world = await openContext()
  const { addInstance, catalog, context } = world
  for (const id of ['pgm-a', 'pgm-b']) await addInstance(id)
  for (const id of ['1000', '1001']) await catalog.adoptSet(sampleSet({ id, instanceId: 'pgm-a' }))
  await catalog.adoptSet(sampleSet({ id: '1002', instanceId: 'pgm-a', method: 'Logical' }))
  await addClone(catalog, context.clock.now())
  const request = { mode: 'Manual', type: 'FullBackup', method: 'Physical' }
  const { id: waiting } = await catalog.addTask({ kind: 'take-backup', instanceId: 'pgm-b', request })
  for (const id of ['key', 'other']) {
    await catalog.addKey({ id, description: '', createdAt: context.clock.now() }, 'secret')
  }
  return { ...world, waiting }
}

/** An instance that a finished clone made. */
async function addClone(catalog: Catalog, at: number) {
  const { nodes: _, createdAt: __, ...like } = (await catalog.instance('pgm-a')) as Instance
  const makes = { ...like, id: 'pgm-clone', createdAt: at, nodes: [] }
  await catalog.addTask({ kind: 'clone', instanceId: 'pgm-clone', setId: '1000', request: {}, makes })
  const task = await catalog.claimTask('w', ['clone'], 60_000)
  const address = { host: 'primary', port: 5432, user: 'u', sslMode: 'disable' } as const
  const node = { role: 'primary', address } as const
  const commit = {
    instanceId: 'pgm-clone',
    engineVersion: '15.0',
    systemIdentifier: '7',
    node,
    policy: DEFAULT_POLICY,
    at,
  }
  await catalog.commitClone({ taskId: task?.id ?? '', attempt: 1, worker: 'w' }, commit, {})
}

type World = Awaited<ReturnType<typeof prepared>>

/** The same thing, but for `around`, which is told of each call and may throw instead of it. */
function wrapped<T extends object>(thing: T, around: (method: string) => void): T {
  const methods = Object.entries(thing).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value] as const
    const method = (...args: unknown[]): unknown => {
      around(name)
      return Reflect.apply(value, thing, args)
    }
    return [name, method] as const
  })
  return Object.fromEntries(methods) as T
}

/**
 * Makes the action's good call in a fresh world, whose n-th use of catalog or store throws a fault instead. Gives what was used
 * there, nothing when the call is over before, and the code that the caller gets.
 */
async function failAt(action: Action, turn: number, fault: (method: string) => FaultCode) {
  await using world = await prepared()
  const used: string[] = []
  const around = (method: string) => {
    used.push(method)
    if (used.length === turn) throw new Fault(fault(method), 'do what a test forbids')
  }
  const values = parseParameters(action, new Map(Object.entries(CALLS[action.name]?.(world) ?? {})), BY_POST)
  const { catalog, store } = world.context
  const context = { ...world.context, catalog: wrapped(catalog, around), store: wrapped(store, around) }
  const error: unknown = await action.handle(values, context).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const call = { request: REQUEST, requestId: '', action, log: silentLog }
  return { method: used[turn - 1], code: error === undefined ? undefined : rdsErrorOf(error, call).code }
}

const BY_POST = { method: 'POST', fromBody: () => true }
const REQUEST: Request = {
  method: 'POST',
  target: '/',
  headers: {},
  rawHeaders: [],
  body: Buffer.alloc(0),
  remoteAddress: '127.0.0.1',
  secure: true,
  signal: new AbortController().signal,
}

/** What good calls are refused with: nothing here can do them yet, or the world of this file lacks what they are about. */
const REFUSED: Readonly<Record<string, string>> = {
  DescribeBackupDatabase: 'InvalidBackupSetID.NotFound',
  DescribeMetaList: 'IncorrectDBInstanceType',
  DescribeLocalAvailableRecoveryTime: 'LogBackupNotEnabled',
  DescribeAvailableRecoveryTime: 'InvalidBackupSetID.NotFound',
}

const STORE_METHODS = new Set(['put', 'get', 'stat', 'list', 'remove'])

/** The fault that any use of a catalog or a store may meet. */
const anywhere = (method: string): FaultCode =>
  STORE_METHODS.has(method) ? 'store_unavailable' : 'catalog_unavailable'

test('every action has a good call in this file', () => {
  assert.deepEqual(Object.keys(CALLS).toSorted(), ACTIONS.map(({ name }) => name).toSorted())
})

for (const action of ACTIONS) {
  test(`${action.name} answers every fault it may meet with a code of its own, never with InternalError`, async () => {
    const broken: string[] = []
    for (let turn = 1; ; turn++) {
      const judge = (fault: FaultCode, { method, code }: Awaited<ReturnType<typeof failAt>>) => {
        if (code === undefined || code === 'InternalError') broken.push(`${fault} of ${method}: ${code}`)
      }
      const first = await failAt(action, turn, anywhere)
      if (first.method === undefined) {
        assert.equal(first.code, REFUSED[action.name], 'the good call')
        break
      }
      judge(anywhere(first.method), first)
      for (const fault of PROMISED[first.method as keyof typeof PROMISED] ?? []) {
        judge(fault, await failAt(action, turn, () => fault))
      }
    }
    assert.deepEqual(broken, [])
  })
}
