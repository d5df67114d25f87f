import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ECHO, echo, frontDoor, KEY, NOW, v1 } from '../../test/api/front-door.ts'
import type { Once } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import { defineAction } from './action.ts'
import { clientToken } from './client-token.ts'

/** A front door with one action that changes something, and what its handler was given. */
async function changing(handle: () => Promise<Record<string, unknown>> = async () => ({})) {
  const given: Once[] = []
  const change = defineAction({
    ...echo,
    name: 'Change',
    mutates: true,
    parameters: { ...echo.parameters, ClientToken: clientToken },
    faults: { locked: 'BackupJobExists' },
    handle: async (_values, { once }) => {
      given.push(once)
      return handle()
    },
  })
  const door = await frontDoor({ actions: [echo, change] })
  const call = (fields: Record<string, string> = {}, options = {}) =>
    door.ask(v1({ ...ECHO, Action: 'Change', ...fields }, options))
  return { ...door, given, call }
}

const locked = async (): Promise<never> => {
  throw new Fault('locked', 'add a backup')
}

suite('the audit of calls', () => {
  test('tells who, what, from where and when, with the RequestId of the answer', async () => {
    const { call, given } = await changing()
    const { fields } = await call({ Text: 'a "text"', Vpc: '', Unknown: 'x' })
    assert.deepEqual(given[0]?.audit, {
      requestId: fields['RequestId'],
      at: Date.parse(NOW),
      origin: 'api',
      keyId: KEY.id,
      parentKeyId: '',
      osUser: '',
      action: 'Change',
      instanceId: 'rm-1',
      parameters: { DBInstanceId: 'rm-1', Text: 'a "text"', Vpc: '' },
      remoteAddress: '192.0.2.1',
      userAgent: '',
    })
  })

  test('a value that is long is cut, and one that is secret is not in it', async () => {
    const { call, given, audit } = await changing()
    await call({
      Text: 'x'.repeat(1000),
      Mode: 'M'.repeat(3000),
      Secret: '[{"Password":"hidden"}]',
      'Secret.1.Password': 'hidden',
    })
    assert.equal(given.length, 0)
    assert.equal(audit.length, 1)
    assert.equal(audit[0]?.parameters['Mode']?.length, 1025)
    assert.ok(!JSON.stringify(audit).includes('hidden'))
  })

  test('a change that is refused is told with its code', async () => {
    const { call, audit } = await changing(locked)
    const { fields } = await call()
    assert.equal(fields['Code'], 'BackupJobExists')
    const [record, ...more] = audit
    assert.deepEqual(
      [record?.requestId, record?.outcome, record?.code],
      [fields['RequestId'], 'refused', 'BackupJobExists'],
    )
    assert.deepEqual(more, [])
    await call({ DBInstanceId: '!' })
    assert.equal(audit[1]?.code, 'InvalidParameter')
  })

  test('who is not known for sure writes nothing into it, nor does a replay or a reader', async () => {
    const { call, ask, audit } = await changing(locked)
    assert.equal((await call({}, { secret: 'guess' })).fields['Code'], 'SignatureDoesNotMatch')
    assert.deepEqual(audit, [])
    const request = v1({ ...ECHO, Action: 'Change' })
    await ask(request)
    assert.equal((await ask(request)).fields['Code'], 'SignatureNonceUsed')
    await ask(v1({ ...ECHO, DBInstanceId: '!' }))
    assert.equal(audit.length, 1)
  })

  test('a catalog that takes no record makes no other answer, and a line in the log', async () => {
    const door = await changing(locked)
    door.catalog.addAuditRecord = async () => {
      throw new Fault('catalog_unavailable', 'ask')
    }
    assert.equal((await door.call()).fields['Code'], 'BackupJobExists')
    assert.ok(door.lines.some(({ msg }) => msg === 'a refusal is not in the audit'))
  })
})

suite('a client token', () => {
  test('that was used for the same call is answered as it was, and nothing is done', async () => {
    const door = await changing(async () => ({ Task: 'new' }))
    const used = new Map<string, { digest: string; reply: Record<string, unknown> }>()
    door.catalog.usedToken = async (keyId, action, token) => used.get(`${keyId} ${action} ${token}`)
    assert.equal((await door.call({ ClientToken: 't', Text: 'a' })).fields['Task'], 'new')
    const [once] = door.given
    used.set(`${KEY.id} Change t`, { digest: once?.token?.digest ?? '', reply: { Task: 'old' } })
    const repeated = await door.call({ Text: 'a', ClientToken: 't', RegionId: 'cn-hangzhou' })
    assert.deepEqual([repeated.fields['Task'], door.given.length], ['old', 1])
    const other = await door.call({ ClientToken: 't', Text: 'b' })
    assert.deepEqual([other.status, other.fields['Code']], [400, 'IdempotentParameterMismatch'])
    assert.equal(door.given.length, 1)
    assert.deepEqual([once?.token?.token, (once?.token?.expiresAt ?? 0) - Date.parse(NOW)], ['t', 86_400_000])
  })

  test('that another call used meanwhile is answered with what that one got', async () => {
    const door = await changing(async () => {
      throw new Fault('repeated', 'do it')
    })
    let looks = 0
    door.catalog.usedToken = async () => {
      looks++
      return looks === 1 ? undefined : { digest: door.given[0]?.token?.digest ?? '', reply: { Task: 'theirs' } }
    }
    assert.equal((await door.call({ ClientToken: 't' })).fields['Task'], 'theirs')
  })

  test('of another form is refused, and an empty one is none', async () => {
    const door = await changing()
    for (const wrong of ['x'.repeat(65), 'é', 'a\tb']) {
      assert.equal((await door.call({ ClientToken: wrong })).fields['Code'], 'InvalidParameter', wrong)
    }
    await door.call({ ClientToken: '' })
    assert.equal(door.given[0]?.token, undefined)
  })
})
