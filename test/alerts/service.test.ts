import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { after, before, suite, test } from 'node:test'
import { stringify } from 'yaml'
import { eventually } from '../lib/eventually.ts'
import { clientEnv, runHoldfast, startServe, temporaryDirectory, type Serve } from '../lib/service.ts'
import { isSigned, startHook, type HookAlert } from './hook.ts'
import { startLetters } from './letters.ts'

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const DAY = 86_400_000

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let hook: Awaited<ReturnType<typeof startHook>>
let letters: Awaited<ReturnType<typeof startLetters>>
let serve: Serve
let env: Record<string, string>

const configFile = () => join(directory.path, 'holdfast.yaml')
const start = () => startServe({ directory: join(directory.path, 'data'), args: ['--config', configFile()] })

before(async () => {
  directory = await temporaryDirectory()
  hook = await startHook()
  letters = await startLetters({ disabledCommands: ['AUTH', 'STARTTLS'] })
  await writeFile(join(directory.path, 'secret'), `${SECRET}\n`)
  const email = {
    host: '127.0.0.1',
    port: letters.port,
    security: 'none',
    from: 'h@example.org',
    to: ['a@example.org'],
  }
  const alerts = {
    lookSeconds: 0.1,
    gapSeconds: 0.2,
    settleSeconds: 0.5,
    // What this machine's disk has free is not what the tests are about.
    storeFreePercent: 0,
    webhook: { url: hook.url, secretFile: 'secret' },
    email,
  }
  await writeFile(configFile(), stringify({ alerts, worker: { attempts: 1 } }))
  serve = start()
  env = await clientEnv(join(directory.path, 'data'), await serve.url())
})
after(async () => {
  await serve[Symbol.asyncDispose]()
  await hook[Symbol.asyncDispose]()
  await letters[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

const run = async (...argv: readonly string[]) => runHoldfast(argv, env)
const told = (kind: string): HookAlert[] =>
  hook.deliveries.flatMap(({ body }) => body.alerts).filter((alert) => alert.kind === kind)
const words = (kind: string) => told(kind).map(({ notice }) => notice)
const listed = async (...argv: readonly string[]) => {
  const { out, err } = await run('alerts', 'list', '--json', ...argv)
  assert.equal(err, '')
  return JSON.parse(out) as { AlertId: string; Kind: string; Subject: string; ResolvedTime: string; Told: unknown }[]
}

/** Registers an instance that nothing answers for, behind the back of the service, which would refuse it. */
function registerUnreachable(id: string): void {
  using catalog = new DatabaseSync(join(directory.path, 'data', 'catalog.db'), { timeout: 5000 })
  const settings = JSON.stringify({
    preferReplica: false,
    maxLagBytes: 1,
    maxLagSeconds: 1,
    whenLagUnknown: 'skip',
    maxKeptWalBytes: 1_000_000,
    keepCorrupt: true,
  })
  catalog
    .prepare(
      `insert into instances (id, engine, engine_version, description, settings, system_identifier, created_at, version)
       values (?, 'postgres', '18.0', '', ?, '7', ?, 1)`,
    )
    .run(id, settings, Date.now())
  const address = JSON.stringify({ host: '127.0.0.1', port: 1, user: 'nobody', sslMode: 'disable' })
  catalog.prepare(`insert into nodes (id, instance_id, role, address) values (5, ?, 'primary', ?)`).run(id, address)
}

suite('a service that is left alone', () => {
  test('tells of a backup that failed, by webhook, by letter, in the list and as a metric', async () => {
    registerUnreachable('pg-gone')
    assert.notEqual((await run('backups', 'take', 'pg-gone')).code, 0)
    await eventually(async () => told('backup-failed').length > 0, 'the webhook is told')
    await eventually(async () => letters.letters.length > 0, 'a letter comes')
    const [alert] = told('backup-failed')
    assert.deepEqual([alert?.subject, alert?.notice, alert?.dbInstanceId], ['pg-gone', 'raised', 'pg-gone'])
    assert.match(alert?.what ?? '', /the backup of pg-gone that ended at .* failed: /)
    assert.ok(hook.deliveries.every((delivery) => isSigned(delivery, SECRET)))
    assert.match(letters.letters[0]?.text ?? '', /backup-failed pg-gone/)
    const [item, ...more] = await listed('--instance', 'pg-gone')
    assert.deepEqual([item?.AlertId, item?.Kind, item?.ResolvedTime, more], [alert?.id, 'backup-failed', '', []])
    const metricsUrl = String((await serve.line('ready'))['metricsUrl'])
    const metrics = await (await fetch(metricsUrl)).text()
    assert.match(metrics, /^holdfast_alerts\{kind="backup-failed"\} 1$/m)
    assert.match(metrics, /^holdfast_alert_receiver_failing\{receiver="webhook"\} 0$/m)
  })

  test('that is killed and started again does not tell the same again', async () => {
    serve.signal('SIGKILL')
    await serve.exited
    const before = words('backup-failed')
    serve = start()
    env = { ...env, HOLDFAST_ENDPOINT: await serve.url() }
    await wait(2000)
    assert.deepEqual(words('backup-failed'), before)
  })

  test('tells of what happens while a receiver is down once that is up again, and says meanwhile that it fails', async () => {
    hook.state.status = 503
    const expires = new Date(Date.now() + DAY).toISOString().replace(/\.\d+Z$/, 'Z')
    const made = await run('keys', 'add', '--description', 'ci', '--expires', expires, '--json')
    const { AccessKeyId } = JSON.parse(made.out) as { AccessKeyId: string }
    await eventually(async () => told('key-expiring').length > 1, 'it is tried again and again')
    await serve.line('alerts were not told')
    hook.state.status = 200
    const refused = told('key-expiring').length
    await eventually(async () => told('key-expiring').length > refused, 'it is taken')
    await wait(1000)
    assert.equal(told('key-expiring').length, refused + 1)
    assert.equal((await run('keys', 'remove', AccessKeyId)).code, 0)
    await eventually(async () => words('key-expiring').includes('resolved'), 'it is over')
    const over = (await listed('--all', '--kind', 'key-expiring')).filter(({ Subject }) => Subject === AccessKeyId)
    assert.deepEqual(
      over.map(({ ResolvedTime }) => ResolvedTime !== ''),
      [true],
    )
  })

  test('tells that an instance could lose more than it may', async () => {
    assert.equal((await run('call', 'ModifyDBInstanceSettings', 'DBInstanceId=pg-gone', 'RpoSeconds=1')).code, 0)
    await eventually(async () => told('rpo-exceeded').length > 0, 'the RPO is exceeded')
    assert.match(told('rpo-exceeded')[0]?.what ?? '', /there is no good set, and one was to be at most 1 s old/)
  })
})

suite('alerts test', () => {
  const testAlerts = (...argv: readonly string[]) =>
    runHoldfast(['alerts', 'test', '--config', configFile(), '--data-dir', join(directory.path, 'data'), ...argv])

  test('sends each receiver a message and says who took it', async () => {
    const { code, out } = await testAlerts()
    assert.deepEqual([code, out], [0, 'webhook: taken\nemail: taken\n'])
    const test = /this is a test of alerts: nothing is wrong/
    assert.equal(hook.deliveries.filter(({ text }) => test.test(text)).length, 1)
    assert.equal(letters.letters.filter(({ text }) => test.test(text)).length, 1)
  })

  test('fails when one did not, and names it', async () => {
    hook.state.status = 500
    const { code, out, err } = await testAlerts('--json')
    hook.state.status = 204
    assert.equal(code, 18)
    assert.match(err, /send a test: webhook did not take it/)
    const outcomes = JSON.parse(out) as { receiver: string; taken: boolean }[]
    assert.deepEqual(
      outcomes.map(({ receiver, taken }) => [receiver, taken]),
      [
        ['webhook', false],
        ['email', true],
      ],
    )
  })

  test('says what to set when there is nobody to tell', async () => {
    const { code, err } = await runHoldfast(['alerts', 'test', '--data-dir', join(directory.path, 'data')])
    assert.equal(code, 2)
    assert.match(err, /names no receiver of alerts[\s\S]*alerts\.webhook or alerts\.email/)
  })
})
