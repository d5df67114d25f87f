import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import rds from '@alicloud/rds20140815'
import { eventually } from '../lib/eventually.ts'
import { popClient, refusalOf, sdkClient, type Sdk } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service.close())

for (const [name, options] of [
  ['signature V3', {}],
  ['signature V1', { signatureAlgorithm: 'v2' as const }],
] as const) {
  suite(`@alicloud/rds20140815, ${name}`, () => {
    let sdk: Sdk
    const instance = `pgm-sdk-${name.at(-1)?.toLowerCase()}`
    before(async () => {
      sdk = sdkClient(service.url, service.key, options)
      await popClient(service.url, service.key, 'POST').call('RegisterDBInstance', {
        DBInstanceId: instance,
        Node: [NODE],
      })
    })

    const list = async (ask: ConstructorParameters<typeof rds.DescribeBackupsRequest>[0] = {}) => {
      const { body } = await sdk.describeBackups(new rds.DescribeBackupsRequest({ DBInstanceId: instance, ...ask }))
      assert.ok(body)
      return body
    }

    test('a backup is made, followed to its end, listed, filtered and deleted', async () => {
      const created = await sdk.createBackup(new rds.CreateBackupRequest({ DBInstanceId: instance }))
      const backupJobId = Number(created.body?.backupJobId)
      const taskOf = async () => {
        const { body } = await sdk.describeBackupTasks(
          new rds.DescribeBackupTasksRequest({ DBInstanceId: instance, backupJobId }),
        )
        return body?.items?.backupJob?.[0]
      }
      await eventually(async () => (await taskOf())?.backupStatus === 'Finished', 'the backup is Finished')
      const task = await taskOf()
      assert.equal(task?.backupProgressStatus, 'Finished')
      assert.equal(task?.process, '100')
      assert.equal(task?.jobMode, 'Manual')
      assert.equal(task?.taskAction, 'TempBackupTask')
      const backupId = String(task?.backupId)

      const { items, totalRecordCount, pageNumber, pageRecordCount } = await list({ backupId })
      // The SDK reads the integers of the seed page into the strings of its own types.
      assert.deepEqual([totalRecordCount, pageNumber, pageRecordCount], ['1', '1', '1'])
      const [set] = items?.backup ?? []
      assert.equal(set?.backupId, backupId)
      assert.equal(set?.DBInstanceId, instance)
      assert.equal(set?.backupStatus, 'Success')
      assert.equal(set?.backupMode, 'Manual')
      assert.equal(set?.backupInitiator, 'User')
      assert.equal(set?.backupType, 'FullBackup')
      assert.equal(set?.backupMethod, 'Physical')
      assert.equal(set?.storeStatus, 'Enabled')
      assert.equal(set?.isAvail, 1)
      assert.equal(set?.encryption, '{}')
      assert.match(set?.hostInstanceID ?? '', /^\d+$/)
      assert.match(set?.backupStartTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.ok((set?.backupSize ?? 0) > 0)
      assert.deepEqual(set?.backupDownloadLinkByDB?.backupDownloadLinkByDB, [])

      assert.equal((await list({ backupMode: 'Automated' })).totalRecordCount, '0')
      assert.equal((await list({ backupStatus: 'Success', backupMode: 'Manual' })).totalRecordCount, '1')
      const minute = (set?.backupStartTime ?? '').replace(/:\d\dZ$/, 'Z')
      assert.equal((await list({ startTime: minute })).totalRecordCount, '1')
      assert.equal((await list({ endTime: minute.replace(/^\d{4}/, '2000') })).totalRecordCount, '0')
      assert.deepEqual((await list({ pageNumber: 7, pageSize: 50 })).items?.backup, [])

      await sdk.deleteBackup(new rds.DeleteBackupRequest({ DBInstanceId: instance, backupId }))
      assert.equal((await list()).totalRecordCount, '0')
    })

    test('instances and their attributes are read', async () => {
      const { body } = await sdk.describeDBInstances(new rds.DescribeDBInstancesRequest({ regionId: 'cn-hangzhou' }))
      const found = body?.items?.DBInstance?.find(({ DBInstanceId }) => DBInstanceId === instance)
      assert.equal(found?.engine, 'PostgreSQL')
      assert.equal(found?.DBInstanceStatus, 'Running')
      const one = await sdk.describeDBInstanceAttribute(
        new rds.DescribeDBInstanceAttributeRequest({ DBInstanceId: instance }),
      )
      const [attribute] = one.body?.items?.DBInstanceAttribute ?? []
      assert.equal(attribute?.DBInstanceId, instance)
      assert.equal(attribute?.DBClusterNodes?.DBClusterNode?.[0]?.nodeRole, 'primary')
      const regions = await sdk.describeRegions(new rds.DescribeRegionsRequest({}))
      assert.deepEqual(
        regions.body?.regions?.RDSRegion?.map(({ regionId }) => regionId),
        ['cn-hangzhou'],
      )
    })

    test('errors arrive with their code and status', async () => {
      const missing = list({ DBInstanceId: 'pgm-none' })
      assert.deepEqual(await refusalOf(missing), { code: 'InvalidDBInstanceName.NotFound', statusCode: 404 })
      assert.deepEqual(await refusalOf(list({ pageSize: 31 })), {
        code: 'InvalidMaxRecordsPerPage.Malformed',
        statusCode: 403,
      })
      assert.deepEqual(await refusalOf(list({ pageNumber: 0 })), {
        code: 'InvalidPageNumbers.Malformed',
        statusCode: 400,
      })
      assert.equal((await refusalOf(list({ startTime: '2026-01-01' }))).code, 'InvalidStartTime.Format')
      assert.equal((await refusalOf(list({ endTime: 'now' }))).code, 'InvalidEndTime.Format')
      const reversed = list({ startTime: '2026-01-02T00:00Z', endTime: '2026-01-01T00:00Z' })
      assert.equal((await refusalOf(reversed)).code, 'InvalidParameterCombination')
      const snapshot = new rds.CreateBackupRequest({ DBInstanceId: instance, backupMethod: 'Snapshot' })
      assert.equal((await refusalOf(sdk.createBackup(snapshot))).code, 'InvalidBackupMethod.ValueNotSupport')
      const kept = new rds.CreateBackupRequest({ DBInstanceId: instance, backupRetentionPeriod: 0 })
      assert.equal((await refusalOf(sdk.createBackup(kept))).code, 'InvalidBackupRetentionPeriod.Malformed')
      const gone = new rds.DeleteBackupRequest({ DBInstanceId: instance, backupId: '4711' })
      assert.deepEqual(await refusalOf(sdk.deleteBackup(gone)), {
        code: 'InvalidBackupSetID.NotFound',
        statusCode: 404,
      })
    })
  })
}

test('no extension has the name of an action of RDS', async () => {
  const { ACTIONS } = await import('../../src/api/actions.ts')
  const ofRds = new Set(Object.getOwnPropertyNames(rds.default.prototype).map((name) => name.toLowerCase()))
  for (const { name, extension } of ACTIONS) assert.equal(ofRds.has(name.toLowerCase()), !extension, name)
})

test('every parameter that the SDK knows of an action is honoured, ignored or refused, and the reference says which', async () => {
  const { ACTIONS } = await import('../../src/api/actions.ts')
  const boilerplate = new Set(['ownerAccount', 'ownerId', 'resourceOwnerAccount', 'resourceOwnerId'])
  for (const { name, extension, parameters, neglected } of ACTIONS.filter((action) => !action.extension)) {
    assert.equal(extension, false)
    const model = Object.entries(rds).find(([key]) => key.toLowerCase() === `${name}request`.toLowerCase())?.[1]
    const names = Object.values((model as unknown as { names(): Record<string, string> }).names())
    assert.ok(names.length > 0, name)
    const known = new Set([...Object.keys(parameters), ...Object.keys(neglected ?? {})])
    for (const parameter of names) {
      const lower = parameter.charAt(0).toLowerCase() + parameter.slice(1)
      assert.ok(boilerplate.has(lower) || known.has(parameter), `${name} ${parameter}`)
    }
  }
})
