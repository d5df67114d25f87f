import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openCatalog } from '../../src/catalog/open.ts'
import type { Parts } from '../../src/cli/parts.ts'
import type { Config } from '../../src/config/config.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openKeyFile } from '../../src/lib/seal.ts'
import { fixedService } from '../lib/fixed-service.ts'
import { runCli } from '../lib/run-cli.ts'

const clock = new FakeClock('2026-01-02T03:04:05Z')
const real: Partial<Parts> = {
  clock,
  openCatalog: async ({ catalog, keyFile }: Config, { migrate }) =>
    openCatalog({
      url: catalog.url,
      migrate,
      sealer: await openKeyFile(keyFile, (message) => new Error(message)),
      clock,
      log: silentLog,
    }),
}

async function place(t: TestContext) {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-audit-'))
  t.after(() => rm(path, { recursive: true }))
  const data = join(path, 'data')
  const run = (...words: string[]) => runCli([...words, '--data-dir', data], {}, real)
  return { path, data, run }
}

const parsed = (out: string) =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a key that is made locally is in the audit with the user of the system, and its secret is not', async (t) => {
  const { run } = await place(t)
  const made = await run('keys', 'add', '--local', '--description', 'mine', '--json')
  const { AccessKeyId, AccessKeySecret } = JSON.parse(made.out) as Record<string, string>
  const { out, code } = await run('audit', 'export')
  assert.equal(code, 0)
  const [record, ...more] = parsed(out)
  assert.deepEqual(more, [])
  const { at, kind, origin, osUser, action, parameters, outcome } = record ?? {}
  assert.deepEqual(
    { at, kind, origin, osUser, action, parameters, outcome },
    {
      at: '2026-01-02T03:04:05.000Z',
      kind: 'change',
      origin: 'local',
      osUser: userInfo().username,
      action: 'keys add --local',
      parameters: { AccessKeyId, Description: 'mine', Role: 'admin' },
      outcome: 'done',
    },
  )
  assert.ok(!out.includes(AccessKeySecret ?? ''))
})

test('an import is in the audit of the catalog it made, behind what that brought with it', async (t) => {
  const { path, run } = await place(t)
  await run('keys', 'add', '--local')
  const passphrase = join(path, 'passphrase')
  await writeFile(passphrase, 'a passphrase that is long enough\n')
  const file = join(path, 'export')
  assert.equal((await run('catalog', 'export', file, '--passphrase-file', passphrase)).code, 0)
  const other = ['--data-dir', join(path, 'other')]
  const imported = await runCli(['catalog', 'import', file, '--passphrase-file', passphrase, ...other], {}, real)
  assert.equal(imported.code, 0, imported.err)
  const { out } = await runCli(['audit', 'export', ...other], {}, real)
  const actions = parsed(out).map(({ action }) => String(action))
  assert.deepEqual(new Set(actions), new Set(['keys add --local', 'catalog import']))
})

test('changes come first, then reads and downloads from every file, bounded by time; a broken line is told and left out', async (t) => {
  const { data, run } = await place(t)
  await run('keys', 'add', '--local')
  const directory = join(data, 'audit')
  await mkdir(directory)
  const read = (at: string, action: string) => `${JSON.stringify({ at, kind: 'call', action })}\n`
  await writeFile(join(directory, 'reads-20260102030405-a-1.jsonl'), read('2026-01-02T03:04:05.500Z', 'A'))
  const second = join(directory, 'reads-20260102030500-b-1.jsonl')
  await writeFile(second, read('2026-01-02T03:05:00.000Z', 'B'))
  await appendFile(second, '{"at":"2026-01-02T03:0')
  clock.advance(120_000)
  const all = await run('audit', 'export')
  assert.deepEqual(
    parsed(all.out).map(({ action }) => action),
    ['keys add --local', 'A', 'B'],
  )
  assert.match(all.err, /^warning: 1 lines are broken off/)
  const early = await run('audit', 'export', '--to', '2026-01-02T03:04:05Z')
  assert.deepEqual(
    parsed(early.out).map(({ action }) => action),
    ['keys add --local', 'A'],
  )
  const late = await run('audit', 'export', '--from', '2026-01-02T03:05Z')
  assert.deepEqual(
    parsed(late.out).map(({ action }) => action),
    ['B'],
  )
  assert.equal((await run('audit', 'export', '--from', 'yesterday')).code, 2)
})

const RECORD = {
  CallRequestId: 'R-9',
  Time: '2026-01-02T03:04:05.678Z',
  Origin: 'api',
  AccessKeyId: 'HF1',
  ParentAccessKeyId: '',
  OsUser: '',
  ActionName: 'CreateBackup',
  DBInstanceId: 'pgm-1',
  Parameters: { Parameter: [{ Name: 'DBInstanceId', Value: 'pgm-1' }] },
  TaskIds: { TaskId: [] },
  BackupIds: { BackupId: [] },
  SourceAddress: '192.0.2.1',
  UserAgent: 'curl',
  Outcome: 'refused',
  ErrorCode: 'BackupJobExists',
}
const pageOf = (records: object[], total: number) => ({
  PageNumber: 1,
  PageRecordCount: records.length,
  TotalRecordCount: total,
  Items: { AuditRecord: records },
})

test('audit list shows who did what, and asks for what its options say', async () => {
  const local = { ...RECORD, Origin: 'local', AccessKeyId: '', OsUser: 'root', Outcome: 'done', ErrorCode: '' }
  await using service = await fixedService({ DescribeAuditRecords: pageOf([RECORD, local], 7) })
  const env = {
    HOLDFAST_ENDPOINT: service.endpoint,
    HOLDFAST_ACCESS_KEY_ID: 'id',
    HOLDFAST_ACCESS_KEY_SECRET: 's',
  }
  const words = ['--utc', '--key', 'HF1', '--action', 'CreateBackup', '--from', '2026-01-02T03:04Z', '--limit', '2']
  const { out, err, code } = await runCli(['audit', 'list', ...words], env)
  assert.equal(code, 0, err)
  assert.match(out, /HF1 +CreateBackup +pgm-1 +192\.0\.2\.1 +refused BackupJobExists/)
  assert.match(out, /root \(local\)/)
  assert.match(err, /2 of 7 records/)
  const { UserAccessKeyId, ActionName, StartTime } = service.calls[0]?.parameters ?? {}
  assert.deepEqual([UserAccessKeyId, ActionName, StartTime], ['HF1', 'CreateBackup', '2026-01-02T03:04Z'])
  const json = await runCli(['audit', 'list', '--json'], env)
  assert.deepEqual(JSON.parse(json.out), [RECORD, local])
})
