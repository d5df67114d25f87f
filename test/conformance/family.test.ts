import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as rds from '@alicloud/rds20140815'
import { popClient, refusalOf, sdkClient } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

type Json = Readonly<Record<string, unknown>>
const SPAN = { StartTime: '2026-01-01T00:00Z', EndTime: '2026-01-02T00:00Z' }

suite('the rest of the family', () => {
  let service: TestService
  let set = ''
  const call = (action: string, parameters: Json = {}) =>
    popClient(service.url, service.key, 'POST').call(action, parameters)
  const refused = async (action: string, parameters: Json) => (await refusalOf(call(action, parameters))).code
  before(async () => {
    service = await startTestService()
    for (const [id, Node] of [
      ['pgm-1', [NODE, { ...NODE, Host: 'replica' }]],
      ['pgm-gone', [NODE]],
    ] as const) {
      await call('RegisterDBInstance', { DBInstanceId: id, Node, DBInstanceDescription: `about ${id}` })
      const { BackupJobId } = await call('CreateBackup', { DBInstanceId: id })
      for (let job: { BackupStatus?: string; BackupId?: string } = {}; job.BackupStatus !== 'Finished';) {
        const reply = await call('DescribeBackupTasks', { DBInstanceId: id, BackupJobId })
        job = (reply['Items'] as { BackupJob: (typeof job)[] }).BackupJob[0] ?? {}
        set = job.BackupId ?? ''
      }
    }
    await call('DeregisterDBInstance', { DBInstanceId: 'pgm-gone' })
  })
  after(() => service.close())

  test('which node is Master is told by the HostInstanceID that its sets have', async () => {
    const { body } = await sdkClient(service.url, service.key).describeDBInstanceHAConfig(
      new rds.DescribeDBInstanceHAConfigRequest({ DBInstanceId: 'pgm-1' }),
    )
    const infos = body?.hostInstanceInfos?.nodeInfo ?? []
    assert.deepEqual(
      infos.map(({ nodeType }) => nodeType),
      ['Master', 'Slave'],
    )
    const { Items } = await call('DescribeBackups', { DBInstanceId: 'pgm-1' })
    const [backup] = (Items as { Backup: { HostInstanceID: string }[] }).Backup
    assert.equal(infos[0]?.nodeId, backup?.HostInstanceID)
    assert.equal(
      await refused('DescribeDBInstanceHAConfig', { DBInstanceId: 'none' }),
      'InvalidDBInstanceName.NotFound',
    )
  })

  test('where the nodes listen', async () => {
    const { body } = await sdkClient(service.url, service.key).describeDBInstanceNetInfo(
      new rds.DescribeDBInstanceNetInfoRequest({ DBInstanceId: 'pgm-1' }),
    )
    const [first] = body?.DBInstanceNetInfos?.DBInstanceNetInfo ?? []
    assert.deepEqual([first?.connectionString, first?.port], ['primary', '5432'])
  })

  test('which databases there are now, by page and by name', async () => {
    const names = async (more: Json) => {
      const { Databases } = await call('DescribeDatabases', { DBInstanceId: 'pgm-1', ...more })
      return (Databases as { Database: { DBName: string }[] }).Database.map(({ DBName }) => DBName)
    }
    assert.deepEqual(await names({}), ['postgres'])
    assert.deepEqual(await names({ DBName: 'other' }), [])
    assert.deepEqual(await names({ PageNumber: 2 }), [])
    assert.deepEqual(await names({ DBStatus: 'Creating' }), [])
  })

  test('sets of instances that are no longer registered are listed, with their links and string totals', async () => {
    const reply = await call('DescribeDetachedBackups', { Region: 'cn-hangzhou' })
    const { Backup } = reply['Items'] as { Backup: Record<string, unknown>[] }
    assert.deepEqual([reply['PageNumber'], reply['PageRecordCount'], reply['TotalRecordCount']], ['1', '1', 1])
    assert.deepEqual(
      [Backup[0]?.['BackupId'], Backup[0]?.['DBInstanceComment'], Backup[0]?.['Engine']],
      [set, 'about pgm-gone', undefined],
    )
    assert.equal((await fetch(String(Backup[0]?.['DownloadLink']))).status, 200)
    const past = await call('DescribeDetachedBackups', { Region: 'cn-hangzhou', PageNumber: 7 })
    assert.deepEqual([past['PageNumber'], past['PageRecordCount'], past['TotalRecordCount']], ['7', '0', 1])
    const other = await call('DescribeDetachedBackups', { Region: 'cn-hangzhou', DBInstanceId: 'pgm-1' })
    assert.equal(other['TotalRecordCount'], 0)
    assert.equal(await refused('DescribeDetachedBackups', {}), 'MissingParameter')
    assert.equal(await refused('DescribeDetachedBackups', { Region: 'mars' }), 'InvalidRegionId.NotFound')
  })

  test('log files: an empty page of the right shape, and times and pages that are checked', async () => {
    for (const action of ['DescribeBinlogFiles', 'DescribeLogBackupFiles']) {
      const reply = await call(action, { DBInstanceId: 'pgm-1', ...SPAN, PageNumber: 3 })
      assert.deepEqual(
        { ...reply, RequestId: '' },
        {
          RequestId: '',
          PageNumber: 3,
          PageRecordCount: 0,
          TotalRecordCount: 0,
          TotalFileSize: 0,
          Items: { BinLogFile: [] },
        },
      )
      const wrong = (more: Json) => refused(action, { DBInstanceId: 'pgm-1', ...SPAN, ...more })
      assert.equal(await wrong({ StartTime: 'now' }), 'InvalidStartTime.Format')
      assert.equal(await wrong({ EndTime: SPAN.StartTime }), 'InvalidParameterCombination')
      assert.equal(await wrong({ PageSize: 29 }), 'InvalidMaxRecordsPerPage.Malformed')
      assert.equal(await wrong({ PageNumber: 0 }), 'InvalidPageNumbers.Malformed')
      assert.equal(await wrong({ DBInstanceId: 'none' }), 'InvalidDBInstance.NotFound')
    }
  })

  test('what no engine does yet is refused by name, after everything else was checked', async () => {
    const TableMeta = '[{"type":"db","name":"a","tables":[{"type":"table","name":"t","newname":"u"}]}]'
    const { Items } = await call('DescribeBackups', { DBInstanceId: 'pgm-1' })
    const BackupId = (Items as { Backup: { BackupId: string }[] }).Backup[0]?.BackupId
    const table = (more: Json) => refused('RestoreTable', { DBInstanceId: 'pgm-1', BackupId, TableMeta, ...more })
    assert.equal(await table({}), 'IncorrectBackupSetMethod')
    const later = { BackupId: '', RestoreTime: '2026-01-01T00:00:00Z' }
    assert.equal(await table(later), 'OperationDenied.ApiForbidden')
    const twice = '[{"type":"db","name":"a"},{"type":"db","name":"a","newname":"b"}]'
    assert.equal(await table({ TableMeta: twice }), 'InvalidParamTableMeta')
    assert.equal(await table({ TableMeta: '[]' }), 'InvalidParamTableMeta')
    assert.equal(await table({ TableMeta: 'all of them' }), 'InvalidParamTableMeta')
    assert.equal(await table({ BackupId: '' }), 'MissBackupSetAndRestoreTime.NotFound')
    assert.equal(await table({ RestoreTime: '2026-01-01T00:00:00Z' }), 'InvalidParameterCombination')
    assert.equal(await table({ BackupId: '4711' }), 'InvalidBackupSetID.NotFound')
    const clone = (more: Json) => refused('CloneDBInstance', { DBInstanceId: 'pgm-1', PayType: 'Postpaid', ...more })
    assert.equal(await clone({ BackupId, DbNames: 'a' }), 'OperationDenied.ApiForbidden')
    assert.equal(await clone(later), 'OperationDenied.ApiForbidden')
    assert.equal(await clone({ BackupId, RestoreTable: '1' }), 'InvalidParameterCombination')
    assert.equal(await clone({ BackupId, DBInstanceId: 'none' }), 'InvalidDBInstanceId.NotFound')
    assert.equal(await clone({}), 'MissBackupSetAndRestoreTime.NotFound')
    assert.equal(await refused('DescribeLocalAvailableRecoveryTime', { DBInstanceId: 'pgm-1' }), 'LogBackupNotEnabled')
    assert.equal(await refused('DescribeAvailableRecoveryTime', { CrossBackupId: 1 }), 'InvalidBackupSetID.NotFound')
    const meta = { DBInstanceId: 'pgm-1', BackupSetID: BackupId }
    assert.equal(await refused('DescribeMetaList', meta), 'IncorrectDBInstanceType')
    assert.equal(await refused('DescribeMetaList', { ...meta, PageSize: 10 }), 'InvalidParameterCombination')
  })

  test('zones: one, of the engine that is backed up here', async () => {
    const zones = async (more: Json) =>
      ((await call('DescribeAvailableZones', more))['AvailableZones'] as { ZoneId: string }[]).map(
        ({ ZoneId }) => ZoneId,
      )
    assert.deepEqual(await zones({ Engine: 'PostgreSQL', EngineVersion: '15.0' }), ['cn-hangzhou-a'])
    assert.deepEqual(await zones({ Engine: 'SQLServer' }), [])
    assert.deepEqual(await zones({ Engine: 'PostgreSQL', EngineVersion: '9.4' }), [])
  })
})
