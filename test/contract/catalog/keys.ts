import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_RIGHTS } from '../../../src/core/access-key.ts'
import { refused, type Part } from './fixture.ts'

const LIMITED = {
  role: 'read',
  instances: ['pg-1', 'pg-2'],
  sources: ['10.0.0.0/8', '::1'],
  expiresAt: 1_900_000_000_000,
} as const

export const keysContract: Part = (harness) => {
  test('a key without limits may do everything, and one with limits keeps them', async () => {
    const catalog = await harness.open()
    await catalog.addKey({ id: 'HF1', description: '', createdAt: 1 }, 'one')
    await catalog.addKey({ id: 'HF2', description: 'limited', createdAt: 2, ...LIMITED }, 'two')
    const plain = { oldSecret: undefined, oldSecretUntil: 0 }
    assert.deepEqual(await catalog.signingKey('HF1'), { ...ALL_RIGHTS, secret: 'one', ...plain })
    assert.deepEqual(await catalog.signingKey('HF2'), { ...LIMITED, secret: 'two', ...plain })
    assert.deepEqual((await catalog.keys())[1], { id: 'HF2', description: 'limited', createdAt: 2, ...LIMITED })
  })

  test('what is named of a key is changed, and a limit that is named as none is lifted', async () => {
    const catalog = await harness.open()
    await catalog.addKey({ id: 'HF1', description: 'd', createdAt: 1, ...LIMITED }, 'one')
    await catalog.changeKey('HF1', { role: 'operate', instances: undefined })
    const [changed] = await catalog.keys()
    assert.deepEqual(changed, {
      id: 'HF1',
      description: 'd',
      createdAt: 1,
      ...LIMITED,
      role: 'operate',
      instances: undefined,
    })
    await refused(catalog.changeKey('HF9', { role: 'read' }), 'not_found')
  })

  test('a rotated key has the new secret, and the one before until its time', async () => {
    const catalog = await harness.open()
    await catalog.addKey({ id: 'HF1', description: '', createdAt: 1 }, 'one')
    await catalog.rotateKey('HF1', 'two', 500)
    await catalog.rotateKey('HF1', 'three', 900)
    const key = await catalog.signingKey('HF1')
    assert.deepEqual([key?.secret, key?.oldSecret, key?.oldSecretUntil], ['three', 'two', 900])
    await refused(catalog.rotateKey('HF9', 'x', 1), 'not_found')
  })

  test('rights and both secrets are there in a catalog that is moved', async () => {
    const from = await harness.open()
    await from.addKey({ id: 'HF1', description: '', createdAt: 1, ...LIMITED }, 'one')
    await from.rotateKey('HF1', 'two', 500)
    const into = await harness.open()
    await into.load(await from.dump())
    assert.deepEqual(await into.signingKey('HF1'), await from.signingKey('HF1'))
  })

  test('a call that changes nothing is spent once', async () => {
    const catalog = await harness.open()
    const once = { keyId: 'HF1', nonce: 'n', expiresAt: Number.MAX_SAFE_INTEGER }
    await catalog.spendCall(once)
    await refused(catalog.spendCall(once), 'replayed')
  })
}
