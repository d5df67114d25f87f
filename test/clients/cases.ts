import assert from 'node:assert/strict'
import { eventually } from '../lib/eventually.ts'
import type { Answer, Parameters } from './client.ts'
import { valuesOf } from './client.ts'

/** A client at work in a service: what a case may use. */
export interface Scene {
  /** An instance that is backed up by the cases. */
  readonly instance: string
  /** An instance that has 31 sets, one a minute: each third Failed, each second Automated. Their ids, newest first. */
  readonly shelf: { readonly instance: string; readonly ids: readonly string[]; readonly startsAt: readonly number[] }
  call(action: string, parameters?: Parameters): Promise<Answer>
  /** The same call with a secret that is not the key's. */
  callWithWrongSecret(action: string, parameters?: Parameters): Promise<Answer>
  /** Whether errors that this client throws tell this. */
  readonly tells: { readonly code: boolean; readonly requestId: boolean; readonly status: boolean }
}

export interface Case {
  readonly action: string
  /** What is shown, to be read after the action. */
  readonly what: string
  run(scene: Scene): Promise<void>
}

/** The client has no such action, or no such parameter: nothing is said of the service. */
export class Absent extends Error {
  override readonly name = 'Absent'
}

const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/
const minute = (moment: number) => `${new Date(moment).toISOString().slice(0, 16)}Z`

async function replyOf(scene: Scene, action: string, parameters: Parameters = {}): Promise<unknown> {
  const answer = await scene.call(action, parameters)
  if (answer.kind === 'absent') throw new Absent(action)
  if (answer.kind === 'unsendable') throw new Error(`${action} cannot be sent: ${answer.reason}`)
  if (answer.kind === 'refused') throw new Error(`${action} was refused: ${answer.code}: ${answer.message}`)
  assert.match(valuesOf(answer.reply, 'RequestId')[0] ?? '', UUID)
  return answer.reply
}

interface Expected {
  /** One of several when SDKs give the code another name. */
  readonly code: string | readonly string[]
  readonly status: number
  readonly message: RegExp
}

function checkRefused(scene: Scene, answer: Answer, { code, status, message }: Expected): void {
  if (answer.kind === 'absent') throw new Absent('the action')
  assert.ok(answer.kind === 'refused', `the call was answered, and not refused with ${String(code)}`)
  if (scene.tells.code) {
    assert.ok([code].flat().includes(answer.code), `${answer.code} instead of ${String(code)}`)
    assert.match(answer.message, message)
  }
  if (scene.tells.status) assert.equal(answer.status, status)
  if (scene.tells.requestId) assert.match(answer.requestId ?? '', UUID)
}

const noInstance = (action: string, code: string, status: number, more: Parameters = {}): Case => ({
  action,
  what: `meets ${code}`,
  async run(scene) {
    const answer = await scene.call(action, { DBInstanceId: 'pgm-nowhere', ...more })
    checkRefused(scene, answer, { code, status, message: /instance .*does not exist/ })
  },
})

/** Takes a backup, and waits until it is listed. Gives the ids of its task and of its set. */
async function backUp(scene: Scene): Promise<{ job: string; set: string }> {
  const DBInstanceId = scene.instance
  const list = async () =>
    valuesOf(await replyOf(scene, 'DescribeBackups', { DBInstanceId, PageSize: 100 }), 'BackupId')
  const known = new Set(await list())
  const [job = ''] = valuesOf(await replyOf(scene, 'CreateBackup', { DBInstanceId }), 'BackupJobId')
  assert.match(job, /^\d+$/)
  let set: string | undefined
  await eventually(async () => {
    set = (await list()).find((id) => !known.has(id))
    return set !== undefined
  }, 'the backup is listed')
  return { job, set: set ?? '' }
}

const idsOf = async (scene: Scene, ask: Parameters) =>
  valuesOf(await replyOf(scene, 'DescribeBackups', { DBInstanceId: scene.shelf.instance, ...ask }), 'BackupId')

const listing: readonly Case[] = [
  {
    action: 'DescribeBackups',
    what: 'lists pages, and an empty one past the last',
    async run(scene) {
      const { instance, ids } = scene.shelf
      const first = await replyOf(scene, 'DescribeBackups', { DBInstanceId: instance, PageSize: 30, PageNumber: 1 })
      const second = await replyOf(scene, 'DescribeBackups', { DBInstanceId: instance, PageSize: 30, PageNumber: 2 })
      const third = await replyOf(scene, 'DescribeBackups', { DBInstanceId: instance, PageSize: 30, PageNumber: 3 })
      const pages = [first, second, third]
      assert.deepEqual(
        pages.map((page) => valuesOf(page, 'BackupId')),
        [ids.slice(0, 30), ids.slice(30), []],
      )
      const figures = (name: string) => pages.map((page) => valuesOf(page, name)[0])
      assert.deepEqual(figures('TotalRecordCount'), ['31', '31', '31'])
      assert.deepEqual(figures('PageNumber'), ['1', '2', '3'])
      assert.deepEqual(figures('PageRecordCount'), ['30', '1', '0'])
    },
  },
  {
    action: 'DescribeBackups',
    what: 'filters by status, mode, set and time',
    async run(scene) {
      const { ids, startsAt } = scene.shelf
      const where = (holds: (index: number) => boolean) => ids.filter((_, index) => holds(index))
      const failed = await idsOf(scene, { BackupStatus: 'Failed', PageSize: 50 })
      assert.deepEqual(
        failed,
        where((index) => index % 3 === 0),
      )
      const automated = await idsOf(scene, { BackupMode: 'Automated', PageSize: 50 })
      assert.deepEqual(
        automated,
        where((index) => index % 2 === 0),
      )
      assert.deepEqual(await idsOf(scene, { BackupId: ids[4] ?? '' }), [ids[4]])
      const [later = 0, earlier = 0] = [startsAt[5], startsAt[9]]
      assert.deepEqual(await idsOf(scene, { StartTime: minute(earlier), EndTime: minute(later) }), ids.slice(5, 10))
    },
  },
  {
    action: 'DescribeBackups',
    what: 'shows the fields of a set',
    async run(scene) {
      const { set } = await backUp(scene)
      const reply = await replyOf(scene, 'DescribeBackups', { DBInstanceId: scene.instance, BackupId: set })
      const field = (name: string) => valuesOf(reply, name)[0]
      assert.equal(field('BackupId'), set)
      assert.equal(field('DBInstanceId'), scene.instance)
      assert.equal(field('BackupStatus'), 'Success')
      assert.equal(field('BackupType'), 'FullBackup')
      assert.equal(field('BackupMode'), 'Manual')
      assert.equal(field('BackupMethod'), 'Physical')
      assert.equal(field('StoreStatus'), 'Enabled')
      assert.match(field('HostInstanceID') ?? '', /^\d+$/)
      assert.match(field('BackupStartTime') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.ok(Number(field('BackupSize')) > 0)
      assert.equal((await fetch(field('BackupDownloadURL') ?? '', { method: 'HEAD' })).status, 200)
    },
  },
  noInstance('DescribeBackups', 'InvalidDBInstanceName.NotFound', 404),
  {
    action: 'DescribeBackups',
    what: 'meets a page size and a time that are not allowed',
    async run(scene) {
      const DBInstanceId = scene.instance
      const size = await scene.call('DescribeBackups', { DBInstanceId, PageSize: 31 })
      checkRefused(scene, size, { code: 'InvalidMaxRecordsPerPage.Malformed', status: 403, message: /PageSize/ })
      const time = await scene.call('DescribeBackups', { DBInstanceId, StartTime: 'yesterday' })
      checkRefused(scene, time, { code: 'InvalidStartTime.Format', status: 400, message: /StartTime/ })
    },
  },
  {
    action: 'DescribeBackups',
    what: 'meets a signature made with another secret',
    async run(scene) {
      const answer = await scene.callWithWrongSecret('DescribeBackups', { DBInstanceId: scene.instance })
      // The older SDKs compare the string that the service signed with their own, find them equal, and say that the secret is wrong.
      const code = ['SignatureDoesNotMatch', 'InvalidAccessKeySecret', 'SDK.InvalidAccessKeySecret']
      checkRefused(scene, answer, { code, status: 400, message: /signature|secret/i })
    },
  },
]

const changing: readonly Case[] = [
  {
    action: 'CreateBackup',
    what: 'takes a backup',
    async run(scene) {
      await backUp(scene)
    },
  },
  noInstance('CreateBackup', 'InvalidDBInstanceName.NotFound', 404),
  {
    action: 'DescribeBackupTasks',
    what: 'follows a backup to its end',
    async run(scene) {
      const { job, set } = await backUp(scene)
      const ask = { DBInstanceId: scene.instance, BackupJobId: Number(job) }
      const reply = await replyOf(scene, 'DescribeBackupTasks', ask)
      const shown = valuesOf(reply, 'BackupJobId').join()
      assert.equal(shown, job, `asked for BackupJobId ${job}, it finds ${shown || 'none'}`)
      assert.deepEqual(valuesOf(reply, 'BackupId'), [set])
      assert.deepEqual(valuesOf(reply, 'BackupProgressStatus'), ['Finished'])
      assert.deepEqual(valuesOf(reply, 'Process'), ['100'])
      assert.deepEqual(valuesOf(reply, 'JobMode'), ['Manual'])
    },
  },
  noInstance('DescribeBackupTasks', 'InvalidDBInstanceName.NotFound', 404),
  {
    action: 'DeleteBackup',
    what: 'removes a set, and meets one that does not exist',
    async run(scene) {
      const DBInstanceId = scene.instance
      const { set } = await backUp(scene)
      await replyOf(scene, 'DeleteBackup', { DBInstanceId, BackupId: set })
      const left = await replyOf(scene, 'DescribeBackups', { DBInstanceId, BackupId: set })
      assert.equal(valuesOf(left, 'TotalRecordCount')[0], '0')
      const again = await scene.call('DeleteBackup', { DBInstanceId, BackupId: set })
      checkRefused(scene, again, { code: 'InvalidBackupSetID.NotFound', status: 404, message: /set/ })
    },
  },
  {
    action: 'ModifyBackupSetExpireTime',
    what: 'sets the end of a set',
    async run(scene) {
      const { set } = await backUp(scene)
      const ExpectExpireTime = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`
      const ask = { DBInstanceId: scene.instance, BackupId: Number(set), ExpectExpireTime }
      await replyOf(scene, 'ModifyBackupSetExpireTime', ask)
    },
  },
]

const policies: readonly Case[] = [
  {
    action: 'DescribeBackupPolicy',
    what: 'reads a policy',
    async run(scene) {
      const reply = await replyOf(scene, 'DescribeBackupPolicy', { DBInstanceId: scene.shelf.instance })
      const field = (name: string) => valuesOf(reply, name)[0]
      assert.match(field('PreferredBackupPeriod') ?? '', /^[A-Z][a-z]+day(,[A-Z][a-z]+day)*$/)
      assert.match(field('PreferredBackupTime') ?? '', /^\d\d:\d\dZ-\d\d:\d\dZ$/)
      assert.match(field('BackupRetentionPeriod') ?? '', /^\d+$/)
      assert.match(field('BackupLog') ?? '', /^(Enable|Disabled)$/)
    },
  },
  noInstance('DescribeBackupPolicy', 'InvalidDBInstanceName.NotFound', 404),
  {
    action: 'ModifyBackupPolicy',
    what: 'changes a policy, and DescribeBackupPolicy shows it',
    async run(scene) {
      const DBInstanceId = scene.instance
      const change = { PreferredBackupPeriod: 'Monday,Friday', PreferredBackupTime: '03:00Z-04:00Z' }
      await replyOf(scene, 'ModifyBackupPolicy', { DBInstanceId, ...change, BackupRetentionPeriod: '9' })
      const reply = await replyOf(scene, 'DescribeBackupPolicy', { DBInstanceId })
      assert.deepEqual(valuesOf(reply, 'PreferredBackupPeriod'), ['Monday,Friday'])
      assert.deepEqual(valuesOf(reply, 'PreferredBackupTime'), ['03:00Z-04:00Z'])
      assert.deepEqual(valuesOf(reply, 'BackupRetentionPeriod'), ['9'])
    },
  },
  noInstance('ModifyBackupPolicy', 'InvalidDBInstanceName.NotFound', 404, { BackupRetentionPeriod: '9' }),
]

const instances: readonly Case[] = [
  {
    action: 'DescribeRegions',
    what: 'gives the region',
    async run(scene) {
      assert.deepEqual(new Set(valuesOf(await replyOf(scene, 'DescribeRegions'), 'RegionId')), new Set(['cn-hangzhou']))
    },
  },
  {
    action: 'DescribeDBInstances',
    what: 'lists, filters and pages',
    async run(scene) {
      const list = async (ask: Parameters) => replyOf(scene, 'DescribeDBInstances', { RegionId: 'cn-hangzhou', ...ask })
      const one = await list({ DBInstanceId: scene.instance })
      assert.deepEqual(valuesOf(one, 'DBInstanceId'), [scene.instance])
      assert.deepEqual(valuesOf(one, 'Engine'), ['PostgreSQL'])
      assert.deepEqual(valuesOf(one, 'DBInstanceStatus'), ['Running'])
      const none = await list({ DBInstanceId: scene.instance, Engine: 'MySQL' })
      assert.deepEqual(valuesOf(none, 'DBInstanceId'), [])
      const past = await list({ DBInstanceId: scene.instance, PageSize: 30, PageNumber: 2 })
      assert.deepEqual([valuesOf(past, 'PageNumber')[0], valuesOf(past, 'DBInstanceId')], ['2', []])
    },
  },
  {
    action: 'DescribeDBInstances',
    what: 'meets a region that does not exist',
    async run(scene) {
      const answer = await scene.call('DescribeDBInstances', { RegionId: 'cn-nowhere' })
      checkRefused(scene, answer, { code: 'InvalidRegionId.NotFound', status: 404, message: /region/ })
    },
  },
  {
    action: 'DescribeDBInstanceAttribute',
    what: 'shows an instance',
    async run(scene) {
      const reply = await replyOf(scene, 'DescribeDBInstanceAttribute', { DBInstanceId: scene.instance })
      assert.equal(valuesOf(reply, 'DBInstanceId')[0], scene.instance)
      assert.equal(valuesOf(reply, 'DBInstanceStatus')[0], 'Running')
      assert.equal(valuesOf(reply, 'EngineVersion')[0], '15.0')
    },
  },
  noInstance('DescribeDBInstanceAttribute', 'InvalidDBInstanceId.NotFound', 400),
]

/** What every client must be able to do, unmodified. The one table of it: what is counted is counted from here. */
export const CASES: readonly Case[] = [...listing, ...changing, ...policies, ...instances]
