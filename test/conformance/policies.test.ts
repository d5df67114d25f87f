import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { DescribeBackupPolicyRequest, ModifyBackupPolicyRequest } from '@alicloud/rds20140815'
import { NODE, startTestService, type TestService } from './service.ts'
import { popClient, refusalOf, sdkClient } from './clients.ts'

type Json = Readonly<Record<string, unknown>>

suite('policies', () => {
  let service: TestService
  before(async () => (service = await startTestService()))
  after(() => service.close())

  const call = (action: string, parameters: Json) =>
    popClient(service.url, service.key, 'POST').call(action, parameters)
  const register = (id: string) => call('RegisterDBInstance', { DBInstanceId: id, Node: [NODE] })
  const policyOf = (id: string) => call('DescribeBackupPolicy', { DBInstanceId: id })
  const modify = (id: string, change: Json) => call('ModifyBackupPolicy', { DBInstanceId: id, ...change })
  const refused = async (id: string, change: Json) => (await refusalOf(modify(id, change))).code

  async function takeSet(id: string, more: Json = {}): Promise<string> {
    const { BackupJobId } = await call('CreateBackup', { DBInstanceId: id, ...more })
    for (;;) {
      const { Items } = (await call('DescribeBackupTasks', { DBInstanceId: id, BackupJobId })) as unknown as {
        Items: { BackupJob: { BackupStatus: string; BackupId: string }[] }
      }
      const [job] = Items.BackupJob
      if (job?.BackupStatus === 'Finished') return job.BackupId
    }
  }
  const shown = async (id: string, BackupId: string) => {
    const { Items } = (await call('DescribeBackups', { DBInstanceId: id, BackupId })) as unknown as {
      Items: { Backup: Record<string, unknown>[] }
    }
    return Items.Backup[0] ?? {}
  }

  test('a new instance is backed up each day and keeps a week', async () => {
    await register('pgm-new')
    const policy = await policyOf('pgm-new')
    assert.equal(policy['BackupRetentionPeriod'], 7)
    assert.equal(policy['PreferredBackupPeriod'], 'Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday')
    assert.equal(policy['PreferredBackupTime'], '17:00Z-18:00Z')
    assert.match(String(policy['PreferredNextBackupTime']), /^\d{4}-\d\d-\d\dT17:\d\dZ$/)
    assert.equal(policy['EnableIncrementDataBackup'], false)
    assert.equal(policy['EnableBackupLog'], '0')
  })

  test('as Terraform sends it: once a mode, every value as text, empty ones too, and a reset without a mode', async () => {
    await register('pgm-terraform')
    const data = {
      BackupPolicyMode: 'DataBackupPolicy',
      PreferredBackupPeriod: 'Thursday,Monday',
      PreferredBackupTime: '23:00Z-24:00Z',
      BackupRetentionPeriod: '30',
      BackupLog: 'Enable',
      CompressType: '',
      ReleasedKeepPolicy: '',
      LogBackupFrequency: '',
      ArchiveBackupRetentionPeriod: '0',
      ArchiveBackupKeepCount: '0',
      ArchiveBackupKeepPolicy: '',
    }
    const log = {
      BackupPolicyMode: 'LogBackupPolicy',
      EnableBackupLog: '1',
      LocalLogRetentionHours: '18',
      LocalLogRetentionSpace: '30',
      HighSpaceUsageProtection: 'Enable',
      LogBackupRetentionPeriod: '7',
    }
    assert.equal((await modify('pgm-terraform', data))['DBInstanceID'], 'pgm-terraform')
    await modify('pgm-terraform', log)
    const policy = await policyOf('pgm-terraform')
    assert.equal(policy['PreferredBackupPeriod'], 'Monday,Thursday')
    assert.equal(policy['PreferredBackupTime'], '23:00Z-24:00Z')
    assert.equal(policy['BackupRetentionPeriod'], 30)
    assert.deepEqual([policy['BackupLog'], policy['EnableBackupLog']], ['Enable', '1'])
    const { BackupPolicyMode: _, ...reset } = { ...data, PreferredBackupPeriod: 'Tuesday,Thursday,Saturday' }
    await modify('pgm-terraform', { ...reset, BackupRetentionPeriod: '7', EnableBackupLog: '1' })
    assert.equal((await policyOf('pgm-terraform'))['PreferredBackupPeriod'], 'Tuesday,Thursday,Saturday')
  })

  test('automated backups may be logical, until the policy says otherwise', async () => {
    await register('pgm-logical')
    await modify('pgm-logical', { BackupMethod: 'Logical', ScheduleCron: '0 2 * * *' })
    assert.equal((await policyOf('pgm-logical'))['BackupMethod'], 'Logical')
    await modify('pgm-logical', { BackupRetentionPeriod: '9' })
    assert.equal((await policyOf('pgm-logical'))['BackupMethod'], 'Logical')
    await modify('pgm-logical', { BackupMethod: 'Physical' })
    assert.equal((await policyOf('pgm-logical'))['BackupMethod'], 'Physical')
  })

  test('drills come for the number of sets and at times, until the policy says otherwise', async () => {
    await register('pgm-drills')
    const drillsOf = async () => {
      const { DrillEverySets, DrillCron, DrillTimeZone } = await policyOf('pgm-drills')
      return [DrillEverySets, DrillCron, DrillTimeZone]
    }
    assert.deepEqual(await drillsOf(), [0, '', ''])
    await modify('pgm-drills', { DrillEverySets: '5', DrillCron: '0 4 * * *', DrillTimeZone: 'Europe/Berlin' })
    await modify('pgm-drills', { BackupRetentionPeriod: '9' })
    assert.deepEqual(await drillsOf(), [5, '0 4 * * *', 'Europe/Berlin'])
    await modify('pgm-drills', { DrillCron: 'Off' })
    assert.deepEqual(await drillsOf(), [5, '', ''])
    await modify('pgm-drills', { DrillEverySets: '0' })
    assert.deepEqual(await drillsOf(), [0, '', ''])
    assert.equal(await refused('pgm-drills', { DrillEverySets: '-1' }), 'InvalidParameter')
    assert.equal(await refused('pgm-drills', { DrillCron: 'nightly' }), 'InvalidParameter')
    assert.equal(await refused('pgm-drills', { DrillTimeZone: 'UTC' }), 'InvalidParameterCombination')
  })

  test('a policy that asks for a drill after each set gets one, and the set says when', async () => {
    await register('pgm-drilled')
    await modify('pgm-drilled', { DrillEverySets: '1' })
    const id = await takeSet('pgm-drilled')
    const drillsOf = async () => {
      const { Items } = (await call('DescribeBackupSetTasks', { DBInstanceId: 'pgm-drilled', TaskKind: 'Drill' })) as {
        Items: { Task: { TaskStatus: string; BackupId: string }[] }
      }
      return Items.Task
    }
    let tasks = await drillsOf()
    while (tasks[0]?.TaskStatus !== 'Finished') tasks = await drillsOf()
    assert.deepEqual(
      tasks.map(({ BackupId }) => BackupId),
      [id],
    )
    assert.match(String((await shown('pgm-drilled', id))['DrilledTime']), /^\d{4}-/)
  })

  test('through the SDK, every field has the type that it declares', async () => {
    await register('pgm-sdk')
    const client = sdkClient(service.url, service.key)
    await client.modifyBackupPolicy(
      new ModifyBackupPolicyRequest({ DBInstanceId: 'pgm-sdk', backupInterval: '60', releasedKeepPolicy: 'Lastest' }),
    )
    const { body } = await client.describeBackupPolicy(new DescribeBackupPolicyRequest({ DBInstanceId: 'pgm-sdk' }))
    assert.equal(body?.backupInterval, '60')
    assert.equal(body?.releasedKeepPolicy, 'Lastest')
    assert.equal(body?.backupRetentionPeriod, 7)
    assert.equal(body?.enablePitrProtection, false)
  })

  test('what is not named stays, and what is wrong is refused by name', async () => {
    await register('pgm-wrong')
    await modify('pgm-wrong', { BackupRetentionPeriod: '14', RetentionMonthly: '12' })
    await modify('pgm-wrong', {
      ScheduleCron: '30 3 * * MON-FRI',
      ScheduleTimeZone: 'Europe/Berlin',
      BackupPriority: '1',
    })
    const policy = await policyOf('pgm-wrong')
    assert.deepEqual(
      [policy['BackupRetentionPeriod'], policy['RetentionMonthly'], policy['ScheduleCron'], policy['BackupPriority']],
      [14, 12, '30 3 * * MON-FRI', 1],
    )
    assert.equal(await refused('pgm-wrong', { BackupRetentionPeriod: '0' }), 'InvalidBackupRetentionPeriod.Malformed')
    assert.equal(
      await refused('pgm-wrong', { BackupRetentionPeriod: 'long' }),
      'InvalidBackupRetentionPeriod.Malformed',
    )
    assert.equal(await refused('pgm-wrong', { PreferredBackupPeriod: 'Monday,Funday' }), 'InvalidParameter')
    assert.equal(await refused('pgm-wrong', { PreferredBackupTime: '25:00Z-26:00Z' }), 'InvalidParameter')
    assert.equal(await refused('pgm-wrong', { ReleasedKeepPolicy: 'Some' }), 'InvalidReleasedKeepPolicy.Format')
    assert.equal(await refused('pgm-wrong', { ArchiveBackupRetentionPeriod: '30' }), 'InvalidParameter')
    assert.equal(
      await refused('pgm-wrong', { EnableIncrementDataBackup: 'true' }),
      'OperationDenied.NotSupportedBackupMethod',
    )
    assert.equal(policy['BackupMethod'], 'Physical')
    assert.equal(await refused('pgm-wrong', { IncrementChainLength: '0' }), 'InvalidParameter')
    assert.equal(await refused('pgm-wrong', { BackupMethod: 'Snapshot' }), 'OperationDenied.NotSupportedBackupMethod')
    assert.equal(await refused('pgm-wrong', { ScheduleCron: '61 * * * *' }), 'InvalidParameter')
    assert.equal(
      await refused('pgm-wrong', { ScheduleCron: '1 * * * *', ScheduleTimeZone: 'Mars/Base' }),
      'InvalidParameter',
    )
    assert.equal(await refused('pgm-wrong', { ScheduleTimeZone: 'UTC' }), 'InvalidParameterCombination')
    assert.equal(
      await refused('pgm-wrong', { BackupLog: 'Enable', EnableBackupLog: '0' }),
      'InvalidParameterCombination',
    )
    assert.equal(await refused('pgm-nowhere', {}), 'InvalidDBInstanceName.NotFound')
    const { RequestId, ...after } = await policyOf('pgm-wrong')
    assert.deepEqual({ RequestId: policy['RequestId'], ...after }, policy)
    assert.notEqual(RequestId, policy['RequestId'])
  })

  test('a set is pinned, has an end of its own, and a preview tells what a change removes', async () => {
    await register('pgm-kept')
    const first = await takeSet('pgm-kept', { BackupRetentionPeriod: '730' })
    const second = await takeSet('pgm-kept')
    const third = await takeSet('pgm-kept')
    const end = String((await shown('pgm-kept', first))['ExpectExpireTime'])
    assert.ok(Date.parse(end) - Date.now() > 729 * 86_400_000, end)
    await call('PinBackupSet', { DBInstanceId: 'pgm-kept', BackupId: second })
    const pinned = await shown('pgm-kept', second)
    assert.deepEqual([pinned['Pinned'], pinned['StoreStatus']], [true, 'Disabled'])
    const remove = call('DeleteBackup', { DBInstanceId: 'pgm-kept', BackupId: second })
    assert.equal((await refusalOf(remove)).code, 'OperationDenied.BackupSetDeleteNotSupport')
    const preview = (change: Json) => call('PreviewBackupPolicy', { DBInstanceId: 'pgm-kept', ...change })
    assert.equal((await preview({ BackupRetentionPeriod: '1' }))['RemovedCount'], 0)
    const known = await service.catalog.set(second)
    assert.ok(known)
    const month = 30 * 86_400_000
    const old = { ...known, id: '5', startedAt: known.startedAt - month, endedAt: known.endedAt - month, held: false }
    await service.catalog.adoptSet({ ...old, pinned: false })
    const told = (await preview({ BackupRetentionPeriod: '1' })) as unknown as {
      RemovedCount: number
      RemovedBytes: number
      LostTimes: { LostTime: string[] }
      Sets: { Set: { BackupId: string; Kept: boolean; Reason: string }[] }
    }
    assert.deepEqual([told.RemovedCount, told.RemovedBytes, told.LostTimes.LostTime.length], [1, known.size, 1])
    assert.deepEqual(
      told.Sets.Set.map(({ BackupId, Reason }) => [BackupId, Reason]),
      [
        [third, 'is younger than a day'],
        [second, 'is pinned'],
        [first, 'has an end of its own that has not come'],
        ['5', 'is older than a day, and nothing keeps it'],
      ],
    )
    assert.equal((await preview({ BackupRetentionPeriod: '-1' }))['RemovedCount'], 0)
    assert.equal((await preview({ BackupRetentionPeriod: '1', RetentionMonthly: '2' }))['RemovedCount'], 0)
    const expire = (ExpectExpireTime: string) =>
      call('ModifyBackupSetExpireTime', { DBInstanceId: 'pgm-kept', BackupId: first, ExpectExpireTime })
    assert.equal((await expire('Policy'))['Code'], '200')
    const { BackupStartTime, ExpectExpireTime } = await shown('pgm-kept', first)
    assert.equal(Date.parse(String(ExpectExpireTime)), Date.parse(String(BackupStartTime)) + 7 * 86_400_000)
    assert.equal((await shown('pgm-kept', second))['ExpectExpireTime'], '')
    await modify('pgm-kept', { BackupRetentionPeriod: '8' })
    const longer = await shown('pgm-kept', first)
    assert.equal(Date.parse(String(longer['ExpectExpireTime'])), Date.parse(String(BackupStartTime)) + 8 * 86_400_000)
    await expire('Never')
    assert.equal((await shown('pgm-kept', first))['ExpectExpireTime'], 'Never')
    assert.equal((await refusalOf(expire('2020-01-01T00:00Z'))).code, 'InvalidParameter')
    assert.equal((await refusalOf(expire('tomorrow'))).code, 'InvalidParameter')
    await call('PinBackupSet', { DBInstanceId: 'pgm-kept', BackupId: second, Pinned: 'false' })
    await call('DeleteBackup', { DBInstanceId: 'pgm-kept', BackupId: second })
  })
})
