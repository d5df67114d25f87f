import type { BackupSet } from '../../src/core/backup-set.ts'

/** Milliseconds of a time in ISO 8601. */
export const at = (text: string) => Date.parse(text)

/** A full physical set that was verified. */
export const SET: BackupSet = {
  id: '321020562',
  instanceId: 'pgm-1',
  nodeId: '5882781',
  status: 'Success',
  type: 'FullBackup',
  mode: 'Manual',
  method: 'Physical',
  startedAt: at('2026-01-02T03:04:05Z'),
  endedAt: at('2026-01-02T03:06:25Z'),
  consistentAt: at('2026-01-02T03:06:20Z'),
  size: 2_167_808,
  available: true,
  engine: 'postgres',
  engineVersion: '15.0',
  manifestKey: 'sets/pgm-1/321020562/9-1/manifest.json',
  parentId: undefined,
  reason: undefined,
  held: false,
  verifiedAt: at('2026-01-03T00:00:00Z'),
}

/** The same of a service that encrypts and cannot open. */
export const ENCRYPTED: BackupSet = {
  ...SET,
  encryption: { format: 'age', mode: 'escrow', recipients: ['0123456789abcdef', 'fedcba9876543210'] },
}

/** A backup that came to nothing. */
export const FAILED: BackupSet = {
  ...SET,
  id: '321020563',
  nodeId: undefined,
  status: 'Failed',
  mode: 'Automated',
  size: 0,
  available: false,
  manifestKey: undefined,
  consistentAt: undefined,
  verifiedAt: undefined,
  reason: 'node 5882781: the server went away',
}
