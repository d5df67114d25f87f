import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Json, popClient, refusalOf } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

let service: TestService
before(async () => {
  service = await startTestService()
  await post('RegisterDBInstance', { DBInstanceId: 'pgm-1', Node: [NODE] })
})
after(() => service.close())

const post = (action: string, parameters: Json = {}) =>
  popClient(service.url, service.key, 'POST').call(action, parameters)

async function waitFor(taskId: string): Promise<void> {
  for (;;) {
    const task = await service.catalog.task(taskId)
    if (task?.state === 'finished') return
    assert.ok(task?.state === 'waiting' || task?.state === 'running', task?.reason)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The set of a backup that is taken now. */
async function takeSet(): Promise<string> {
  const { BackupJobId } = await post('CreateBackup', { DBInstanceId: 'pgm-1' })
  await waitFor(String(BackupJobId))
  return (await service.catalog.task(String(BackupJobId)))?.setId ?? ''
}

async function linkOf(set: string): Promise<string> {
  const reply = await post('DescribeBackups', { DBInstanceId: 'pgm-1', BackupId: set })
  const { Backup } = reply['Items'] as { Backup: { BackupDownloadURL: string }[] }
  return Backup[0]?.BackupDownloadURL ?? ''
}

suite('client tokens', () => {
  test('CreateBackup with the same token gives the same task, also when its backup still runs', async () => {
    const release = service.blockBackups()
    const parameters = { DBInstanceId: 'pgm-1', ClientToken: 'token-1' }
    const first = await post('CreateBackup', parameters)
    assert.equal((await refusalOf(post('CreateBackup', { DBInstanceId: 'pgm-1' }))).code, 'BackupJobExists')
    const again = await Promise.all(Array.from({ length: 5 }, () => post('CreateBackup', parameters)))
    assert.deepEqual(new Set(again.map(({ BackupJobId }) => BackupJobId)), new Set([first['BackupJobId']]))
    assert.notEqual(again[0]?.['RequestId'], first['RequestId'])
    const other = await refusalOf(post('CreateBackup', { ...parameters, BackupType: 'FullBackup' }))
    assert.equal(other.code, 'IdempotentParameterMismatch')
    release()
    await waitFor(String(first['BackupJobId']))
    assert.equal((await post('CreateBackup', parameters))['BackupJobId'], first['BackupJobId'])
    assert.equal((await service.catalog.tasks({ kind: 'take-backup' })).length, 1)
  })

  test('of many calls at once with a fresh token all get the one task that is added', async () => {
    const calls = Array.from({ length: 6 }, () =>
      post('CreateBackup', { DBInstanceId: 'pgm-1', ClientToken: 'token-2' }),
    )
    const tasks = new Set((await Promise.all(calls)).map(({ BackupJobId }) => String(BackupJobId)))
    assert.equal(tasks.size, 1)
    await waitFor([...tasks][0] ?? '')
  })
})

suite('revoked links', () => {
  test('end at once and for that set alone, and the next page gives one that works', async () => {
    const [one, two] = [await takeSet(), await takeSet()]
    const [old, other] = [await linkOf(one), await linkOf(two)]
    assert.equal((await fetch(old, { method: 'HEAD' })).status, 200)
    await post('RevokeBackupLinks', { DBInstanceId: 'pgm-1', BackupId: one })
    const refused = await fetch(old)
    const body = await refused.text()
    assert.deepEqual([refused.status, refused.headers.get('content-type')], [403, 'application/xml'])
    assert.match(body, /<Code>AccessDenied<\/Code>/)
    assert.equal((await fetch(other, { method: 'HEAD' })).status, 200)
    const fresh = await linkOf(one)
    assert.notEqual(fresh, old)
    assert.equal((await fetch(fresh, { method: 'HEAD' })).status, 200)
  })

  test('do not cut a download that has begun, and refuse to resume it', async () => {
    const link = await linkOf(await takeSet())
    const download = await fetch(link)
    const reader = download.body?.getReader()
    const first = await reader?.read()
    const set = /\/link\/(\d+)\//.exec(link)?.[1] ?? ''
    await post('RevokeBackupLinks', { DBInstanceId: 'pgm-1', BackupId: set })
    let bytes = first?.value?.length ?? 0
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) bytes += step.value.length
    assert.equal(bytes, Number(download.headers.get('content-length')))
    assert.equal((await fetch(link, { headers: { range: 'bytes=100-' } })).status, 403)
  })

  test('of a set that is not there are refused', async () => {
    const none = post('RevokeBackupLinks', { DBInstanceId: 'pgm-1', BackupId: '1' })
    assert.equal((await refusalOf(none)).code, 'InvalidBackupSetID.NotFound')
  })
})

suite('DescribeAuditRecords', () => {
  const records = async (parameters: Json = {}) => {
    const reply = await post('DescribeAuditRecords', { PageSize: 100, ...parameters })
    return (reply['Items'] as { AuditRecord: Record<string, unknown>[] }).AuditRecord
  }

  test('tells of a change with its task and set, and of a refusal with its code', async () => {
    const started = await post('CreateBackup', { DBInstanceId: 'pgm-1' })
    const id = String(started['BackupJobId'])
    await waitFor(id)
    const set = (await service.catalog.task(id))?.setId
    const all = await records({ ActionName: 'CreateBackup' })
    const done = all.find(({ CallRequestId }) => CallRequestId === started['RequestId'])
    assert.deepEqual(done?.['TaskIds'], { TaskId: [id] })
    assert.deepEqual(done?.['BackupIds'], { BackupId: [set] })
    assert.deepEqual([done?.['AccessKeyId'], done?.['SourceAddress']], [service.key.id, '127.0.0.1'])
    await refusalOf(post('CreateBackup', { DBInstanceId: 'pgm-none' }))
    const [refused] = await records({ DBInstanceId: 'pgm-none' })
    assert.deepEqual([refused?.['Outcome'], refused?.['ErrorCode']], ['refused', 'InvalidDBInstanceName.NotFound'])
  })

  test('holds no password that a call had', async () => {
    const all = JSON.stringify(await records({ ActionName: 'RegisterDBInstance' }))
    assert.ok(all.includes('pgm-1') && !all.includes(NODE.Password))
  })

  test('pages, and is empty past the last page', async () => {
    const reply = await post('DescribeAuditRecords', { PageSize: 30, PageNumber: 9999 })
    assert.equal(reply['PageNumber'], 9999)
    assert.equal(reply['PageRecordCount'], 0)
    assert.ok(Number(reply['TotalRecordCount']) > 0)
    assert.deepEqual(await records({ EndTime: '2020-01-01T00:00Z' }), [])
    assert.deepEqual(await records({ UserAccessKeyId: 'nobody' }), [])
  })
})
