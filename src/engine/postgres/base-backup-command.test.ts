import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseBackupCommand } from './base-backup-command.ts'

const plain = { label: 'set 1', checkpoint: 'fast', progress: true, verifyChecksums: true, incremental: false } as const

test('since 15 options stand in parentheses, and the server neither waits for the archive nor writes links', () => {
  assert.equal(
    baseBackupCommand({ ...plain, serverVersion: 150_000 }),
    "BASE_BACKUP (LABEL 'set 1', PROGRESS true, CHECKPOINT 'fast', WAL true, WAIT false, TABLESPACE_MAP true, VERIFY_CHECKSUMS true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')",
  )
})

test('before 15 options are keywords', () => {
  assert.equal(
    baseBackupCommand({ ...plain, serverVersion: 149_999 }),
    "BASE_BACKUP LABEL 'set 1' PROGRESS FAST WAL NOWAIT TABLESPACE_MAP MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'",
  )
})

test('a spread checkpoint, no progress and unchecked pages are said in both forms', () => {
  const other = {
    label: 'x',
    checkpoint: 'spread',
    progress: false,
    verifyChecksums: false,
    incremental: false,
  } as const
  assert.match(
    baseBackupCommand({ ...other, serverVersion: 180_000 }),
    /PROGRESS false, CHECKPOINT 'spread', .* VERIFY_CHECKSUMS false,/,
  )
  assert.equal(
    baseBackupCommand({ ...other, serverVersion: 140_000 }),
    "BASE_BACKUP LABEL 'x' WAL NOWAIT TABLESPACE_MAP NOVERIFY_CHECKSUMS MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'",
  )
})

test('quotes in a label are doubled', () => {
  for (const serverVersion of [140_000, 150_000]) {
    assert.match(baseBackupCommand({ ...plain, serverVersion, label: "it's '" }), /LABEL 'it''s '''/)
  }
})

test('an increment is asked for as one', () => {
  const command = baseBackupCommand({ ...plain, serverVersion: 180_000, incremental: true })
  assert.match(command, /MANIFEST_CHECKSUMS 'CRC32C', INCREMENTAL true\)$/)
})
