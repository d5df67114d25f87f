import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import type { Alert } from '../../src/core/alert.ts'
import { Fault } from '../../src/core/fault.ts'
import { renderJson, renderText, type AlertMessage } from '../../src/scheduler/alert-message.ts'
import { emailReceiver, type EmailSettings } from '../../src/scheduler/tell-email.ts'
import { webhookReceiver } from '../../src/scheduler/tell-webhook.ts'
import { isSigned, startHook } from './hook.ts'
import { startLetters } from './letters.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const AT = Date.parse('2026-11-23T12:00:00Z')
const signal = new AbortController().signal

const alert = (over: Partial<Alert> = {}): Alert => ({
  id: '17',
  kind: 'backup-failed',
  subject: 'pg-1',
  instanceId: 'pg-1',
  what: 'the backup of pg-1 failed:\nno host',
  hint: 'Mend it.',
  raisedAt: AT - 60_000,
  missingSince: undefined,
  resolvedAt: undefined,
  told: {},
  ...over,
})

const message = (over: Partial<AlertMessage> = {}): AlertMessage => ({
  id: 'msg_1',
  at: AT,
  service: 'https://backup.example',
  notices: [
    { notice: 'raised', alert: alert() },
    {
      notice: 'repeated',
      alert: alert({ id: '12', kind: 'store-nearly-full', subject: 'store', instanceId: undefined }),
    },
    { notice: 'resolved', alert: alert({ id: '9', subject: 'pg-2', instanceId: 'pg-2', resolvedAt: AT }) },
  ],
  ...over,
})

const many = (count: number) =>
  message({
    notices: Array.from({ length: count }, (_, at) => ({ notice: 'raised', alert: alert({ id: String(at) }) })),
  })

const fails = (work: Promise<unknown>, what: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(Fault.is(error, 'service_unavailable'), String(error))
    assert.match(error.message, what)
    assert.doesNotMatch(`${error.message} ${error.hint}`, /secret/)
    return true
  })

suite('a webhook', () => {
  test('gets the message, signed so that its receiver can tell who sent it and when', async () => {
    await using hook = await startHook()
    await webhookReceiver({ url: hook.url, secret: SECRET }).tell(message(), signal)
    const [delivery, ...more] = hook.deliveries
    assert.ok(delivery)
    assert.deepEqual(more, [])
    assert.equal(delivery.method, 'POST')
    assert.equal(delivery.headers['webhook-id'], 'msg_1')
    assert.equal(delivery.headers['webhook-timestamp'], String(AT / 1000))
    assert.ok(isSigned(delivery, SECRET))
    assert.ok(!isSigned(delivery, `whsec_${Buffer.alloc(32, 8).toString('base64')}`))
  })

  test('has the body that receivers were built on', async () => {
    const golden = await readFile(new URL('../golden/alert-message-v1.json', import.meta.url), 'utf8')
    assert.equal(`${JSON.stringify(JSON.parse(renderJson(message())), null, 2)}\n`, golden)
  })

  test('that answers with anything but 2xx has not taken it; a redirect is not followed', async () => {
    await using hook = await startHook()
    const receiver = webhookReceiver({ url: hook.url, secret: SECRET })
    for (const status of [302, 400, 410, 500]) {
      hook.state.status = status
      await fails(receiver.tell(message(), signal), new RegExp(`status ${status}`))
    }
    assert.equal(hook.deliveries.length, 4)
  })

  test('that is not there is told of by its error, without the URL, which may hold a secret', async () => {
    const { url } = await (async () => {
      await using hook = await startHook()
      return { url: hook.url }
    })()
    await fails(webhookReceiver({ url, secret: SECRET }).tell(message(), signal), /no answer \(ECONNREFUSED\)/)
  })

  test('with a secret of another form is refused before anything is sent, and the secret is not repeated', () => {
    for (const secret of ['', 'plain', 'whsec_', 'whsec_c2VjcmV0', `whsec_${Buffer.alloc(65).toString('base64')}`]) {
      assert.throws(
        () => webhookReceiver({ url: 'http://127.0.0.1:1/', secret }),
        (error) =>
          Fault.is(error, 'invalid') && /openssl rand/.test(error.hint ?? '') && !error.message.includes('c2Vj'),
      )
    }
  })

  test('gets no more than fifty alerts at once, and the number of the others', () => {
    const { alerts, more } = JSON.parse(renderJson(many(70))) as { alerts: unknown[]; more: number }
    assert.deepEqual([alerts.length, more], [50, 20])
  })
})

suite('a letter', () => {
  const settings = (port: number, over: Partial<EmailSettings> = {}): EmailSettings => ({
    host: '127.0.0.1',
    port,
    security: 'none',
    login: undefined,
    from: 'holdfast@example.org',
    to: ['a@example.org', 'b@example.org'],
    ...over,
  })

  test('comes to everybody, says what is wrong, what to do and what is over', async () => {
    await using server = await startLetters({ disabledCommands: ['AUTH', 'STARTTLS'] })
    await emailReceiver(settings(server.port)).tell(message(), signal)
    const [letter, ...more] = server.letters
    assert.ok(letter)
    assert.deepEqual(more, [])
    assert.deepEqual([letter.from, ...letter.to], ['holdfast@example.org', 'a@example.org', 'b@example.org'])
    assert.match(letter.text, /^Subject: Holdfast: 1 new, 1 still, 1 over\r$/m)
    assert.match(
      letter.text,
      /^NEW {2}the backup of pg-1 failed: no host\r\n {2}since 2026-11-23T11:59:00Z\r\n {2}Mend it\.\r$/m,
    )
    assert.match(letter.text, /over at 2026-11-23T12:00:00Z/)
  })

  test('names the one alert in its subject, and counts those that it leaves out', () => {
    const [first] = message().notices
    assert.ok(first)
    assert.equal(renderText(message({ notices: [first] })).subject, 'Holdfast: new: backup-failed pg-1')
    assert.match(renderText(many(53)).text, /And 3 more: holdfast alerts list/)
  })

  test('that must go by TLS does not go without, nor to a server that nobody vouches for', async () => {
    await using plain = await startLetters({ disabledCommands: ['AUTH', 'STARTTLS'] })
    await fails(emailReceiver(settings(plain.port, { security: 'starttls' })).tell(message(), signal), /through 127/)
    await using selfSigned = await startLetters({})
    for (const security of ['starttls', 'tls'] as const) {
      await fails(emailReceiver(settings(selfSigned.port, { security })).tell(message(), signal), /through 127/)
    }
    assert.deepEqual([...plain.letters, ...selfSigned.letters], [])
  })

  test('goes with a login, and a refused one is told of without the password', async () => {
    const login = { user: 'holdfast', password: 'the secret of the letters' }
    await using server = await startLetters({ login, allowInsecureAuth: true, disabledCommands: ['STARTTLS'] })
    await emailReceiver(settings(server.port, { login })).tell(message(), signal)
    assert.equal(server.letters[0]?.user, 'holdfast')
    const wrong = { ...login, password: 'another secret' }
    await fails(emailReceiver(settings(server.port, { login: wrong })).tell(message(), signal), /refuses the login/)
    assert.equal(server.letters.length, 1)
  })

  test('to a server that is not there fails in time', async () => {
    const port = await (async () => {
      await using server = await startLetters({})
      return server.port
    })()
    await assert.rejects(
      new Promise((resolve, reject) => connect(port, '127.0.0.1', () => resolve(undefined)).on('error', reject)),
    )
    await fails(emailReceiver(settings(port)).tell(message(), signal), /ECONNREFUSED|ESOCKET|connect/)
  })
})
