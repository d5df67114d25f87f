import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ECHO, frontDoor, KEY, requestOf, v1 } from '../../test/api/front-door.ts'
import type { AppendFile } from '../lib/append-file.ts'
import { createReadAudit } from './audit-reads.ts'

/** A front door whose notes are kept in memory. */
async function noting() {
  const lines: string[] = []
  const file: AppendFile = {
    add: (line) => void lines.push(line),
    flush: async () => {},
    close: async () => {},
    dropped: 3,
    failing: true,
  }
  const door = await frontDoor({ reads: (clock) => createReadAudit(file, clock) })
  const notes = () =>
    lines.map((line) => {
      assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)
      return JSON.parse(line) as Record<string, unknown>
    })
  return { ...door, notes }
}

test('a call that reads is noted in the words of the audit, with the RequestId of its answer', async () => {
  const { ask, notes } = await noting()
  const { fields } = await ask({ ...v1({ ...ECHO, Text: 'a "b"\\' }) })
  assert.deepEqual(notes(), [
    {
      at: '2026-01-02T03:04:05.000Z',
      kind: 'call',
      requestId: fields['RequestId'],
      keyId: KEY.id,
      parentKeyId: '',
      action: 'Echo',
      instanceId: 'rm-1',
      parameters: { DBInstanceId: 'rm-1', Text: 'a "b"\\' },
      remoteAddress: '192.0.2.1',
      userAgent: '',
      outcome: 'done',
      code: '',
    },
  ])
})

test('a refused one is noted with its code, and one whose caller is not known for sure is not', async () => {
  const { ask, notes } = await noting()
  await ask(v1({ ...ECHO, Size: '0' }))
  await ask(v1(ECHO, { secret: 'guess' }))
  assert.deepEqual(
    notes().map(({ outcome, code }) => [outcome, code]),
    [['refused', 'InvalidMaxRecordsPerPage.Malformed']],
  )
})

test('a note holds no secret, and no more than the beginning of a long value', async () => {
  const { ask, notes } = await noting()
  await ask(v1({ ...ECHO, Text: 'x'.repeat(5000), Secret: '[{"Password":"hidden"}]' }))
  const [note] = notes()
  assert.ok(!JSON.stringify(note).includes('hidden'))
  assert.ok(JSON.stringify(note).length < 2000)
})

test('a download is noted with its set, its range and the status of its answer; what is no link is not', async () => {
  const { ask, notes } = await noting()
  await ask(
    requestOf({ target: '/link/42/a.tar.zst?Expires=1', headers: { range: 'bytes=5-', 'user-agent': 'cu"rl' } }),
  )
  await ask(requestOf({ target: '/link/x' }))
  assert.deepEqual(notes(), [
    {
      at: '2026-01-02T03:04:05.000Z',
      kind: 'download',
      setId: '42',
      method: 'GET',
      range: 'bytes=5-',
      remoteAddress: '192.0.2.1',
      userAgent: 'cu"rl',
      outcome: 'refused',
      status: 403,
    },
  ])
})

test('what the file lost is among the figures', async () => {
  const { handle } = await noting()
  const { auditDropped, auditFailing } = handle.figures()
  assert.deepEqual([auditDropped, auditFailing], [3, true])
})
