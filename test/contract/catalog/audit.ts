import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Once } from '../../../src/catalog/catalog.ts'
import type { AuditEntry, AuditRecord } from '../../../src/core/audit.ts'
import { backupSet, instance, refused, withSets, type Part } from './fixture.ts'

/** What a call of HF1 tells of itself. */
export const auditEntry = (requestId: string, over: Partial<AuditEntry> = {}): AuditEntry => ({
  requestId,
  at: 1000,
  origin: 'api',
  keyId: 'HF1',
  parentKeyId: '',
  osUser: '',
  action: 'CreateBackup',
  instanceId: 'pg-1',
  parameters: { DBInstanceId: 'pg-1' },
  remoteAddress: '192.0.2.1',
  userAgent: 'test "agent"',
  ...over,
})

const done = (entry: AuditEntry): AuditRecord => ({ ...entry, outcome: 'done', code: '', taskIds: [], setIds: [] })
const refusal = (requestId: string, over: Partial<AuditEntry> = {}): AuditRecord => ({
  ...done(auditEntry(requestId, over)),
  outcome: 'refused',
  code: 'BackupJobExists',
})
const once = (nonce: string, audit: AuditEntry): Once => ({ keyId: 'HF1', nonce, expiresAt: 9e15, audit })
const ALL = { offset: 0, limit: 100 }

export const auditContract: Part = (harness) => {
  test('a change and its audit record are one: both there, or neither', async () => {
    const catalog = await withSets(harness)
    const entry = auditEntry('R1', { action: 'ModifyDBInstanceSettings' })
    await catalog.updateInstance('pg-1', { description: 'x' }, once('a', entry))
    await refused(catalog.addInstance(instance('pg-1'), once('b', auditEntry('R2'))), 'conflict')
    await refused(catalog.updateInstance('pg-1', {}, once('a', auditEntry('R3'))), 'replayed')
    assert.deepEqual(await catalog.auditRecords(ALL), { total: 1, items: [done(entry)] })
  })

  test('every change that somebody asks for is audited, and names the tasks and sets it adds', async () => {
    const catalog = await withSets(harness, backupSet(1), backupSet(2))
    const backup = { kind: 'take-backup', instanceId: 'pg-1', request: {} } as const
    const task = await catalog.addTask(backup, once('1', auditEntry('R1', { at: 1 })))
    const tasks = await catalog.removeSets('pg-1', ['1', '2'], once('2', auditEntry('R2', { at: 2 })))
    await catalog.cancelTask(task.id, once('3', auditEntry('R3', { at: 3 })))
    await catalog.addKey({ id: 'K', description: '', createdAt: 1 }, 's', once('4', auditEntry('R4', { at: 4 })))
    await catalog.removeKey('K', once('5', auditEntry('R5', { at: 5 })))
    await catalog.addInstance(instance('pg-2'), once('6', auditEntry('R6', { at: 6 })))
    await catalog.deregisterInstance('pg-2', 7, once('7', auditEntry('R7', { at: 7 })))
    const { items } = await catalog.auditRecords(ALL)
    assert.deepEqual(
      items.map(({ requestId }) => requestId),
      ['R7', 'R6', 'R5', 'R4', 'R3', 'R2', 'R1'],
    )
    assert.deepEqual([items.at(-1)?.taskIds, items.at(-1)?.setIds], [[task.id], [task.setId]])
    assert.deepEqual(
      items.at(-2)?.taskIds,
      tasks.map(({ id }) => id),
    )
    assert.deepEqual(items.at(-2)?.setIds.toSorted(), ['1', '2'])
  })

  test('a change by a local command is audited without a nonce', async () => {
    const catalog = await harness.open()
    const local = auditEntry('R1', { origin: 'local', keyId: '', osUser: 'root', action: 'keys add --local' })
    await catalog.addKey({ id: 'K', description: '', createdAt: 1 }, 's', { audit: local })
    assert.deepEqual((await catalog.auditRecords(ALL)).items, [done(local)])
  })

  test('records are found by time, key or its parent, action, instance and outcome, and paged newest first', async () => {
    const catalog = await harness.open()
    await catalog.addAuditRecord(refusal('R1', { at: 1 }))
    await catalog.addAuditRecord(refusal('R2', { at: 2, keyId: 'STS.1', parentKeyId: 'HF1' }))
    await catalog.addAuditRecord(refusal('R3', { at: 3, keyId: 'HF2', instanceId: 'pg-2' }))
    await catalog.addAuditRecord(done(auditEntry('R4', { at: 3, action: 'DeleteBackup' })))
    const found = async (query: object) => {
      const { total, items } = await catalog.auditRecords({ ...ALL, ...query })
      assert.equal(total, items.length)
      return items.map(({ requestId }) => requestId)
    }
    assert.deepEqual(await found({}), ['R4', 'R3', 'R2', 'R1'])
    assert.deepEqual(await found({ from: 2, before: 3 }), ['R2'])
    assert.deepEqual(await found({ keyId: 'HF1' }), ['R4', 'R2', 'R1'])
    assert.deepEqual(await found({ action: 'DeleteBackup' }), ['R4'])
    assert.deepEqual(await found({ instanceId: 'pg-2' }), ['R3'])
    assert.deepEqual(await found({ outcome: 'done' }), ['R4'])
    const page = await catalog.auditRecords({ offset: 1, limit: 2 })
    assert.deepEqual([page.total, page.items.map(({ requestId }) => requestId)], [4, ['R3', 'R2']])
  })

  test('a call that fails after its change is still one that was done, with the code of its failure', async () => {
    const catalog = await withSets(harness)
    await catalog.updateInstance('pg-1', {}, once('a', auditEntry('R1')))
    await catalog.addAuditRecord(refusal('R1'))
    assert.deepEqual((await catalog.auditRecords(ALL)).items, [{ ...done(auditEntry('R1')), code: 'BackupJobExists' }])
  })

  test('records from before a moment are forgotten, and no other', async () => {
    const catalog = await harness.open()
    for (const at of [1, 2, 3]) await catalog.addAuditRecord(refusal(`R${at}`, { at }))
    assert.equal(await catalog.forgetAudit(3), 2)
    assert.deepEqual((await catalog.auditRecords(ALL)).items, [refusal('R3', { at: 3 })])
  })

  test('the audit moves with the catalog, and the import itself is in it', async () => {
    const from = await harness.open()
    await from.addAuditRecord(refusal('R1'))
    const into = await harness.open()
    const local = auditEntry('R2', { at: 2000, origin: 'local', action: 'catalog import' })
    await into.load(await from.dump(), { audit: local })
    assert.deepEqual((await into.auditRecords(ALL)).items, [done(local), refusal('R1')])
  })
}
