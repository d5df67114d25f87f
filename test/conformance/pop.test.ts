import assert from 'node:assert/strict'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { z } from 'zod'
import { eventually } from '../lib/eventually.ts'
import { type Json, popClient, refusalOf } from './clients.ts'
import { CONTENT, NODE, startTestService, type TestService } from './service.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service.close())

const backups = z.object({
  TotalRecordCount: z.int(),
  PageNumber: z.int(),
  PageRecordCount: z.int(),
  Items: z.object({ Backup: z.array(z.looseObject({ BackupId: z.string(), StoreStatus: z.string() })) }),
})
const tasks = z.object({
  Items: z.object({
    Task: z.array(
      z.looseObject({ TaskId: z.string(), TaskStatus: z.string(), Result: z.string(), FailReason: z.string() }),
    ),
  }),
})

for (const method of ['GET', 'POST'] as const) {
  suite(`@alicloud/pop-core, ${method}`, () => {
    const instance = `pgm-pop-${method.toLowerCase()}`
    const call = (action: string, parameters: Json = {}) =>
      popClient(service.url, service.key, method).call(action, parameters)
    /** Secrets go in a body, whatever the suite's method. */
    const post = (action: string, parameters: Json = {}) =>
      popClient(service.url, service.key, 'POST').call(action, parameters)
    const list = async (ask: Json = {}) =>
      backups.parse(await call('DescribeBackups', { DBInstanceId: instance, ...ask }))
    const backUp = async () => {
      const { BackupJobId } = await call('CreateBackup', { DBInstanceId: instance })
      assert.equal(typeof BackupJobId, 'string')
      const ask = { DBInstanceId: instance, BackupJobId }
      const jobOf = async () => {
        const { Items } = await call('DescribeBackupTasks', ask)
        return (Items as { BackupJob: Record<string, string>[] }).BackupJob[0]
      }
      await eventually(async () => (await jobOf())?.['BackupStatus'] === 'Finished', 'the backup is Finished')
      return String((await jobOf())?.['BackupId'])
    }
    const taskEnd = async (TaskId: unknown) => {
      const find = async () =>
        tasks.parse(await call('DescribeBackupSetTasks', { DBInstanceId: instance, TaskId })).Items.Task[0]
      await eventually(async () => ['Finished', 'Failed'].includes((await find())?.TaskStatus ?? ''), 'the task ends')
      return find()
    }

    before(() => post('RegisterDBInstance', { DBInstanceId: instance, Node: [NODE] }))

    test('counts are integers and ids are text, as the seed page and its head note say', async () => {
      await backUp()
      const { TotalRecordCount, PageNumber, PageRecordCount, Items } = await list()
      assert.deepEqual([TotalRecordCount, PageNumber, PageRecordCount], [1, 1, 1])
      assert.match(Items.Backup[0]?.BackupId ?? '', /^\d+$/)
    })

    test('the reply to DescribeBackups is what the reference says, and no more', async () => {
      const { describeBackups } = await import('../../src/api/actions/describe-backups.ts')
      const { RequestId, ...reply } = await call('DescribeBackups', { DBInstanceId: instance })
      assert.match(String(RequestId), /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
      assert.deepEqual(describeBackups.reply.parse(reply), reply)
    })

    test('an unchanged page differs in its RequestId only', async () => {
      const [one, other] = [
        await call('DescribeBackups', { DBInstanceId: instance }),
        await call('DescribeBackups', { DBInstanceId: instance }),
      ]
      assert.notEqual(one['RequestId'], other['RequestId'])
      assert.deepEqual({ ...one, RequestId: '' }, { ...other, RequestId: '' })
    })

    test('a second backup while one runs is BackupJobExists', async () => {
      const release = service.blockBackups()
      const { BackupJobId } = await call('CreateBackup', { DBInstanceId: instance })
      assert.equal((await refusalOf(call('CreateBackup', { DBInstanceId: instance }))).code, 'BackupJobExists')
      const { Items } = await call('DescribeBackupTasks', { DBInstanceId: instance })
      const [job] = (Items as { BackupJob: Record<string, string>[] }).BackupJob
      assert.equal(job?.['BackupJobId'], BackupJobId)
      assert.equal(job?.['BackupId'], '')
      release()
      await eventually(async () => {
        const reply = await call('DescribeBackupTasks', { DBInstanceId: instance })
        return (reply['Items'] as { BackupJob: unknown[] }).BackupJob.length === 0
      }, 'the backup ends')
    })

    test('a set is verified, and the task says what was read', async () => {
      const [set] = (await list()).Items.Backup
      const { TaskId } = await call('VerifyBackup', { DBInstanceId: instance, BackupId: set?.BackupId })
      const task = await taskEnd(TaskId)
      assert.equal(task?.TaskStatus, 'Finished')
      assert.ok(JSON.parse(task.Result).bytes > 0)
    })

    test('a set is restored below a root, and nowhere else', async () => {
      const [set] = (await list()).Items.Backup
      const ask = { DBInstanceId: instance, BackupId: set?.BackupId }
      const TargetPath = join(service.restoreRoot, `restored-${method}`)
      const { TaskId } = await call('RestoreBackup', { ...ask, TargetPath })
      const task = await taskEnd(TaskId)
      assert.equal(task?.TaskStatus, 'Finished', task?.FailReason)
      assert.ok((await readFile(join(TargetPath, 'content'))).equals(CONTENT))
      assert.equal((await refusalOf(call('RestoreBackup', { ...ask, TargetPath }))).code, 'InvalidTargetPath')
      for (const path of ['/tmp/elsewhere', `${service.restoreRoot}/../elsewhere`, service.restoreRoot]) {
        const refused = await refusalOf(call('RestoreBackup', { ...ask, TargetPath: path }))
        assert.equal(refused.code, 'OperationDenied.RestoreTarget', path)
      }
      await rm(TargetPath, { recursive: true })
    })

    test('a waiting or running task is cancelled, and an ended one is not', async () => {
      const release = service.blockBackups()
      const { BackupJobId } = await call('CreateBackup', { DBInstanceId: instance })
      await call('CancelTask', { TaskId: BackupJobId })
      release()
      const jobOf = async () => {
        const { Items } = await call('DescribeBackupTasks', { DBInstanceId: instance, BackupJobId })
        return (Items as { BackupJob: Record<string, string>[] }).BackupJob[0]
      }
      await eventually(async () => (await jobOf())?.['BackupStatus'] === 'Failed', 'the task ends')
      assert.equal((await refusalOf(call('CancelTask', { TaskId: BackupJobId }))).code, 'IncorrectTaskStatus')
      assert.equal((await refusalOf(call('CancelTask', { TaskId: '4711' }))).code, 'InvalidTaskId.NotFound')
    })

    test('sets are deleted all or none, with or without their instance in front', async () => {
      const ids = [await backUp(), await backUp()]
      const before_ = (await list()).TotalRecordCount
      const none = call('DeleteBackup', { DBInstanceId: instance, BackupId: `${ids.join(',')},4711` })
      assert.equal((await refusalOf(none)).code, 'InvalidBackupSetID.NotFound')
      assert.equal((await list()).TotalRecordCount, before_)
      const others = call('DeleteBackup', { DBInstanceId: instance, BackupId: `pgm-other:${ids[0]}` })
      assert.equal((await refusalOf(others)).code, 'InvalidBackupSetID.NotFound')
      const many = Array.from({ length: 101 }, (_, index) => index + 1).join(',')
      const exceeded = call('DeleteBackup', { DBInstanceId: instance, BackupId: many })
      assert.equal((await refusalOf(exceeded)).code, 'DeleteBackupSetNumExceed')
      await call('DeleteBackup', { DBInstanceId: instance, BackupId: `${instance}:${ids[0]},${ids[1]}` })
      assert.equal((await list()).TotalRecordCount, before_ - 2)
      assert.equal((await list({ BackupId: ids[0] })).TotalRecordCount, 0)
    })

    test('a set that is needed says Disabled and is not deleted', async () => {
      const id = await backUp()
      await service.catalog.holdSet(id, 'a reader', 60_000)
      assert.equal((await list({ BackupId: id })).Items.Backup[0]?.StoreStatus, 'Disabled')
      const refused = await refusalOf(call('DeleteBackup', { DBInstanceId: instance, BackupId: id }))
      assert.equal(refused.code, 'OperationDenied.BackupSetDeleteNotSupport')
      await service.catalog.releaseHold(id, 'a reader')
      assert.equal((await list({ BackupId: id })).Items.Backup[0]?.StoreStatus, 'Enabled')
    })

    test('settings are changed one by one and shown', async () => {
      const attributes = async () => {
        const { Items } = await call('DescribeDBInstanceAttribute', { DBInstanceId: instance })
        return (Items as { DBInstanceAttribute: { Settings: Json; DBInstanceDescription: string }[] })
          .DBInstanceAttribute[0]
      }
      const earlier = await attributes()
      await call('ModifyDBInstanceSettings', { DBInstanceId: instance, PreferReplica: 'true', MaxReplicaLagSeconds: 7 })
      assert.deepEqual((await attributes())?.Settings, {
        ...earlier?.Settings,
        PreferReplica: true,
        MaxReplicaLagSeconds: 7,
      })
      await call('ModifyDBInstanceSettings', { DBInstanceId: instance, DBInstanceDescription: 'orders' })
      assert.equal((await attributes())?.DBInstanceDescription, 'orders')
      const strange = call('ModifyDBInstanceSettings', { DBInstanceId: instance, SystemIdentifier: '8' })
      assert.equal((await refusalOf(strange)).code, 'DBInstanceMismatch')
    })

    test('a deregistered instance keeps its sets, takes no backups, and may be registered again', async () => {
      const sets = (await list()).TotalRecordCount
      assert.ok(sets > 0)
      await call('DeregisterDBInstance', { DBInstanceId: instance })
      assert.equal((await list()).TotalRecordCount, sets)
      const refused = await refusalOf(call('CreateBackup', { DBInstanceId: instance }))
      assert.equal(refused.code, 'InvalidDBInstanceName.NotFound')
      const attribute = call('DescribeDBInstanceAttribute', { DBInstanceId: instance })
      assert.equal((await refusalOf(attribute)).code, 'InvalidDBInstanceId.NotFound')
      await post('RegisterDBInstance', { DBInstanceId: instance, Node: [NODE] })
      assert.equal((await list()).TotalRecordCount, sets)
    })
  })
}

test('a service without restore roots refuses every restore, and says what to set', async () => {
  const other = await startTestService({ restoreRoots: [] })
  try {
    await mkdir(join(other.restoreRoot, 'x'), { recursive: true })
    const client = popClient(other.url, other.key, 'POST')
    const refused = client.call('RestoreBackup', {
      DBInstanceId: 'a',
      BackupId: '1',
      TargetPath: join(other.restoreRoot, 'y'),
    })
    await assert.rejects(refused, /restore\.roots/)
  } finally {
    await other.close()
  }
})
