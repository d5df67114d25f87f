import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { type Json, popClient, refusalOf } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

const ID = 'pgm-planned'

let service: TestService
const post = (action: string, parameters: Json = {}) =>
  popClient(service.url, service.key, 'POST').call(action, { DBInstanceId: ID, ...parameters })
const shown = () => post('DescribeBackupPolicy')
const change = (parameters: Json) => post('ModifyBackupPolicy', parameters)
/** What a refused change is told. */
const told = (parameters: Json): Promise<string> =>
  change(parameters).then(
    () => '',
    (error: { readonly data?: { readonly Message?: string } }) => error.data?.Message ?? '',
  )

before(async () => {
  service = await startTestService()
  await post('RegisterDBInstance', {
    Node: [
      { ...NODE, Role: 'Master' },
      { ...NODE, Host: 'replica', Role: 'Slave' },
    ],
  })
})
after(() => service.close())

suite('when an instance is backed up', () => {
  test('the next moment is told, inside the window and in the form of RDS', async () => {
    const { PreferredBackupTime, PreferredNextBackupTime } = await shown()
    assert.equal(PreferredBackupTime, '17:00Z-18:00Z')
    assert.match(String(PreferredNextBackupTime), /^\d{4}-\d\d-\d\dT17:\d\dZ$/)
    await change({ PreferredBackupTime: '23:30Z-24:00Z', PreferredBackupPeriod: 'Monday,Thursday' })
    const next = String((await shown())['PreferredNextBackupTime'])
    assert.match(next, /T23:[345]\dZ$/)
    assert.ok([1, 4].includes(new Date(next).getUTCDay()), next)
  })

  test('an interval comes beside the week', async () => {
    // A window that begins within the half hour would come first.
    const far = new Date(Date.now() + 3 * 86_400_000).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
    await change({ PreferredBackupPeriod: far, BackupInterval: '30' })
    const minutes = (Date.parse(String((await shown())['PreferredNextBackupTime'])) - Date.now()) / 60_000
    assert.ok(minutes > 27 && minutes <= 30, String(minutes))
    await change({ BackupInterval: '-1' })
    assert.match(String((await shown())['PreferredNextBackupTime']), /T23:[345]\dZ$/)
  })

  test('a cron in a time zone is instead of the week, until days, window or interval are named again', async () => {
    await change({ ScheduleCron: '30 2 * * *', ScheduleTimeZone: 'Asia/Shanghai' })
    const planned = await shown()
    assert.deepEqual([planned['ScheduleCron'], planned['ScheduleTimeZone']], ['30 2 * * *', 'Asia/Shanghai'])
    assert.match(String(planned['PreferredNextBackupTime']), /T18:30Z$/)
    await change({ BackupRetentionPeriod: '8' })
    assert.equal((await shown())['ScheduleCron'], '30 2 * * *')
    await change({ PreferredBackupPeriod: 'Monday,Thursday' })
    const weekly = await shown()
    assert.deepEqual([weekly['ScheduleCron'], weekly['ScheduleTimeZone']], ['', ''])
    assert.match(String(weekly['PreferredNextBackupTime']), /T23:[345]\dZ$/)
  })

  test('a schedule that is switched off has no next moment', async () => {
    await change({ ScheduleEnabled: 'false' })
    assert.equal((await shown())['PreferredNextBackupTime'], '')
    await change({ ScheduleEnabled: 'true' })
  })

  test('a cron that cannot be read, never comes or contradicts the week is refused by name', async () => {
    const refusal = async (parameters: Json) => refusalOf(change(parameters))
    for (const ScheduleCron of ['* * * *', '0 0 * * * *', '@daily', '0 0 30 2 *', '61 * * * *', '0 0 L * *']) {
      assert.equal((await refusal({ ScheduleCron })).code, 'InvalidParameter', ScheduleCron)
      assert.match(await told({ ScheduleCron }), /ScheduleCron.*five fields/)
    }
    assert.match(await told({ ScheduleCron: '0 0 * * *', ScheduleTimeZone: 'Mars/Base' }), /ScheduleTimeZone.*IANA/)
    for (const contradicting of [
      { ScheduleCron: '0 0 * * *', BackupInterval: '30' },
      { ScheduleCron: '0 0 * * *', PreferredBackupTime: '01:00Z-02:00Z' },
      { ScheduleTimeZone: 'Europe/Berlin' },
    ]) {
      assert.equal((await refusal(contradicting)).code, 'InvalidParameterCombination')
    }
    assert.equal((await shown())['ScheduleCron'], '')
  })
})

test('BackupPriority tells which node the bytes come from', async () => {
  const hostOfNext = async (BackupPriority: string) => {
    await change({ BackupPriority })
    const { BackupJobId } = await post('CreateBackup')
    const sets = async () => (await service.catalog.sets({ instanceId: ID, offset: 0, limit: 30 })).items
    const task = async () => service.catalog.task(String(BackupJobId))
    await eventually(async () => (await task())?.state === 'finished', 'the backup is taken')
    const nodes = (await service.catalog.instance(ID))?.nodes ?? []
    const [newest] = await sets()
    return nodes.find(({ id }) => id === newest?.nodeId)?.address.host
  }
  assert.equal(await hostOfNext('1'), 'replica')
  assert.equal(await hostOfNext('2'), 'primary')
})
