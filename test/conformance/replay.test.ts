import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { type IncomingHttpHeaders, request } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { eventually } from '../lib/eventually.ts'
import { type Json, popClient } from './clients.ts'
import { NODE, startTestService, type TestService } from './service.ts'

/** What tools that are not run here send, byte for byte as far as it matters, and what they assert of replies. */

const INSTANCE = 'pgm-replay'
let service: TestService
before(async () => {
  service = await startTestService()
  await popClient(service.url, service.key, 'POST').call('RegisterDBInstance', { DBInstanceId: INSTANCE, Node: [NODE] })
})
after(() => service.close())

type Texts = Readonly<Record<string, string>>

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
const join = (parameters: Texts) =>
  Object.entries(parameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')

/** The parameters that every V1 call has, and the signature of them all. */
function signed(method: string, action: string, business: Texts, common: Texts = {}): Texts {
  const { key } = service
  const own: Texts = {
    AccessKeyId: key.id,
    Action: action,
    Format: 'JSON',
    RegionId: 'cn-hangzhou',
    SignatureMethod: 'HMAC-SHA1',
    SignatureNonce: randomUUID(),
    SignatureVersion: '1.0',
    Timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
    Version: '2014-08-15',
    ...common,
  }
  const all = { ...own, ...business }
  const canonical = join(Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))))
  const toSign = `${method}&%2F&${encode(canonical)}`
  return { ...own, Signature: createHmac('sha1', `${key.secret}&`).update(toSign).digest('base64') }
}

interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Json
}

/** Sends a request with exactly this target; fetch would tidy it. */
async function send(method: string, path: string, headers: Texts = {}, body = ''): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const { hostname, port } = new URL(service.url)
  const call = request({ hostname, port, method, path, headers }, (reply) => {
    let text = ''
    reply.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    reply.on('end', () =>
      resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: JSON.parse(text) as Json }),
    )
  })
  call.on('error', reject)
  call.end(body)
  return promise
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const itemsOf = (body: Json, name: string) => (body['Items'] as Record<string, Json[]>)[name] ?? []

suite('the aliyun command', () => {
  /** POST, everything in the query, an empty form, headers of its own. */
  const aliyun = async (action: string, parameters: Texts = {}) => {
    const common = signed('POST', action, parameters, { SignatureType: '' })
    const headers = {
      ...FORM,
      'x-sdk-client': 'golang/1.0.0',
      'x-sdk-invoke-type': 'common',
      'x-sdk-core-version': '0.0.1',
    }
    return send('POST', `/?${join({ ...common, ...parameters })}`, headers)
  }

  test('is answered, an empty SignatureType and all', async () => {
    const { status, body } = await aliyun('DescribeBackups', { DBInstanceId: INSTANCE })
    assert.equal(status, 200)
    assert.ok(Array.isArray(itemsOf(body, 'Backup')))
  })

  test('finds one list to page through, and the total and the size of the page beside it', async () => {
    const { body } = await aliyun('DescribeBackups', { DBInstanceId: INSTANCE })
    const lists = Object.values(body).filter((value) => typeof value === 'object' && value !== null)
    assert.equal(lists.length, 1)
    for (const name of ['TotalRecordCount', 'PageNumber', 'PageRecordCount'])
      assert.equal(typeof body[name], 'number', name)
  })

  test('which asks one page past the end is answered with none', async () => {
    const { status, body } = await aliyun('DescribeBackups', { DBInstanceId: INSTANCE, PageNumber: '9' })
    assert.equal(status, 200)
    assert.deepEqual([body['PageNumber'], itemsOf(body, 'Backup')], [9, []])
  })

  test('gets errors without x-acs-retry-after, on which it would try again', async () => {
    const { status, headers, body } = await aliyun('DescribeBackups', { DBInstanceId: 'pgm-none' })
    assert.deepEqual([status, body['Code']], [404, 'InvalidDBInstanceName.NotFound'])
    assert.equal(headers['x-acs-retry-after'], undefined)
  })
})

suite('the Terraform provider', () => {
  /** POST, common parameters and the signature in the query, those of the action in the form. */
  const terraform = async (action: string, parameters: Texts) => {
    const common = signed('POST', action, parameters, { SourceIp: '192.0.2.7' })
    return send('POST', `/?${join(common)}`, FORM, join(parameters))
  }

  test('reads alicloud_rds_backups page by page until one has fewer than 50', async () => {
    const ask = { DBInstanceId: INSTANCE, PageSize: '50', PageNumber: '1' }
    const { status, body } = await terraform('DescribeBackups', ask)
    assert.equal(status, 200)
    assert.ok(Array.isArray(itemsOf(body, 'Backup')))
  })

  test('creates, reads and destroys alicloud_rds_backup', async () => {
    const created = await terraform('CreateBackup', { DBInstanceId: INSTANCE })
    const { BackupJobId } = created.body
    // It panics on a number.
    assert.ok(typeof BackupJobId === 'string')
    let job: Json | undefined
    await eventually(async () => {
      const { body } = await terraform('DescribeBackupTasks', { DBInstanceId: INSTANCE, BackupJobId })
      job = itemsOf(body, 'BackupJob')[0]
      assert.equal(job?.['BackupJobId'], BackupJobId)
      return job['BackupStatus'] === 'Finished'
    }, 'the backup is Finished')
    const BackupId = job?.['BackupId']
    assert.ok(typeof BackupId === 'string')

    const { body } = await terraform('DescribeBackups', { DBInstanceId: INSTANCE, BackupId })
    const [set] = itemsOf(body, 'Backup')
    assert.equal(set?.['BackupId'], BackupId)
    assert.equal(set['StoreStatus'], 'Enabled')
    for (const name of ['Encryption', 'StorageClass', 'CopyOnlyBackup']) assert.equal(typeof set[name], 'string', name)
    assert.ok(['number', 'string'].includes(typeof set['IsAvail']))

    // Its id of the set has the instance in front.
    const removed = await terraform('DeleteBackup', { DBInstanceId: INSTANCE, BackupId: `${INSTANCE}:${BackupId}` })
    assert.equal(removed.status, 200)
    const left = await terraform('DescribeBackups', { DBInstanceId: INSTANCE, BackupId })
    assert.deepEqual(itemsOf(left.body, 'Backup'), [])
  })

  test('takes an instance that is not there for gone', async () => {
    const { status, body } = await terraform('DescribeDBInstanceAttribute', { DBInstanceId: 'pgm-none' })
    assert.ok(
      status === 404 ||
        ['InvalidDBInstanceId.NotFound', 'InvalidDBInstanceName.NotFound'].includes(String(body['Code'])),
    )
  })

  test('reads alicloud_db_backup_policy without a panic', async () => {
    const { body } = await terraform('DescribeBackupPolicy', { DBInstanceId: INSTANCE })
    assert.equal(typeof body['PreferredBackupPeriod'], 'string')
    assert.equal(typeof body['EnableIncrementDataBackup'], 'boolean')
    assert.match(String(body['PreferredBackupTime']), /^\d\d:00Z-\d\d:00Z$/)
    const attribute = await terraform('DescribeDBInstanceAttribute', { DBInstanceId: INSTANCE })
    const [instance] = itemsOf(attribute.body, 'DBInstanceAttribute')
    assert.equal(instance?.['DBInstanceStatus'], 'Running')
    assert.equal(instance['Engine'], 'PostgreSQL')
  })

  test('destroys alicloud_db_backup_policy by a reset that names no BackupPolicyMode', async () => {
    const { status, body } = await terraform('ModifyBackupPolicy', {
      DBInstanceId: INSTANCE,
      PreferredBackupPeriod: 'Tuesday,Thursday,Saturday',
      BackupRetentionPeriod: '7',
      PreferredBackupTime: '02:00Z-03:00Z',
      EnableBackupLog: '1',
      LocalLogRetentionHours: '',
      LocalLogRetentionSpace: '',
      HighSpaceUsageProtection: '',
      CompressType: '',
      ReleasedKeepPolicy: '',
    })
    assert.equal(status, 200, JSON.stringify(body))
  })
})

suite('other consumers', () => {
  test('canal leaves the plus signs of its signature as they are', async () => {
    const ask = { DBInstanceId: INSTANCE }
    let call = signed('GET', 'DescribeBackups', ask)
    while (!call['Signature']?.includes('+')) call = signed('GET', 'DescribeBackups', ask)
    const { Signature, ...rest } = call
    const { status } = await send('GET', `/?${join({ ...rest, ...ask })}&Signature=${Signature}`)
    assert.equal(status, 200)
  })

  test('steampipe reads the page and the total as numbers, and asks in minutes', async () => {
    const ask = { DBInstanceId: INSTANCE, PageSize: '50', StartTime: '2026-01-01T00:00Z', EndTime: '2099-01-01T00:00Z' }
    const { status, body } = await send(
      'POST',
      `/?${join({ ...signed('POST', 'DescribeBackups', ask), ...ask })}`,
      FORM,
    )
    assert.equal(status, 200)
    assert.match(String(body['TotalRecordCount']), /^\d+$/)
    assert.equal(String(body['PageNumber']), '1')
  })
})
