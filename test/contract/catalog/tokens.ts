import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Once, TokenUse } from '../../../src/catalog/catalog.ts'
import type { Task } from '../../../src/core/task.ts'
import { refused, withSets, type Part } from './fixture.ts'

const use = (token: string, over: Partial<TokenUse> = {}): TokenUse => ({
  action: 'CreateBackup',
  token,
  digest: 'digest',
  at: 1000,
  expiresAt: 9000,
  replyOf: ({ id }: Task) => ({ BackupJobId: id }),
  ...over,
})
const once = (nonce: string, token: TokenUse, keyId = 'HF1'): Once => ({ keyId, nonce, expiresAt: 9e15, token })
const sweep = { kind: 'expire', request: {} } as const

export const tokensContract: Part = (harness) => {
  test('a client token is used up with its change, which keeps what was answered', async () => {
    const catalog = await withSets(harness)
    assert.equal(await catalog.usedToken('HF1', 'CreateBackup', 't', 1000), undefined)
    const { id } = await catalog.addTask(sweep, once('1', use('t')))
    assert.deepEqual(await catalog.usedToken('HF1', 'CreateBackup', 't', 1000), {
      digest: 'digest',
      reply: { BackupJobId: id },
    })
    await refused(catalog.addTask(sweep, once('2', use('t'))), 'repeated')
    assert.equal((await catalog.tasks({})).length, 1)
  })

  test('it belongs to one key and one action', async () => {
    const catalog = await withSets(harness)
    await catalog.addTask(sweep, once('1', use('t')))
    await catalog.addTask(sweep, once('2', use('t'), 'HF2'))
    await catalog.addTask(sweep, once('3', use('t', { action: 'CloneDBInstance' })))
    assert.equal((await catalog.tasks({})).length, 3)
  })

  test('a change that fails uses no token', async () => {
    const catalog = await withSets(harness)
    const backup = { kind: 'take-backup', instanceId: 'nobody', request: {} } as const
    await refused(catalog.addTask(backup, once('1', use('t'))), 'not_found')
    await catalog.addTask(sweep, once('2', use('t')))
  })

  test('of many changes with one token at once one is done', async () => {
    const catalog = await withSets(harness)
    const calls = Array.from({ length: 6 }, (_, at) => catalog.addTask(sweep, once(String(at), use('t'))))
    const done = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled')
    assert.equal(done.length, 1)
    assert.equal((await catalog.tasks({})).length, 1)
  })

  test('it may be used anew when its time has ended, and is then forgotten by tidying up', async () => {
    const catalog = await withSets(harness)
    await catalog.addTask(sweep, once('1', use('t')))
    assert.equal(await catalog.usedToken('HF1', 'CreateBackup', 't', 9000), undefined)
    await catalog.addTask(sweep, once('2', use('t', { at: 9000, expiresAt: 18_000 })))
    await catalog.tidy()
    assert.equal(await catalog.usedToken('HF1', 'CreateBackup', 't', 9000), undefined)
  })

  test('tokens move with the catalog', async () => {
    const from = await withSets(harness)
    await from.addTask(sweep, once('1', use('t')))
    const into = await harness.open()
    await into.load(await from.dump())
    await refused(into.addTask(sweep, once('2', use('t'))), 'repeated')
  })
}
