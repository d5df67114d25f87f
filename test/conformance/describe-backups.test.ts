import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { describeBackups } from '../../src/api/actions/describe-backups.ts'
import { RdsError } from '../../src/api/errors.ts'
import { parseParameters } from '../../src/api/parse-parameters.ts'
import type { BackupSet } from '../../src/core/backup-set.ts'
import { openContext, sampleSet, type OpenContext } from './context.ts'
import { type Ask, seedAnswer } from './seed-model.ts'

const INSTANCE = 'pgm-orders'
/** 2026-01-31T23:58:00Z: minutes, a day and a month end within the sets below. */
const FIRST = Date.UTC(2026, 0, 31, 23, 58)

/** Sets of every kind, several a second, some at the same millisecond. */
const SETS: readonly BackupSet[] = Array.from({ length: 230 }, (_, index) =>
  sampleSet({
    id: String(1000 + ((index * 7) % 230)),
    instanceId: INSTANCE,
    status: index % 5 === 0 ? 'Failed' : 'Success',
    type: index % 3 === 0 ? 'IncrementalBackup' : 'FullBackup',
    mode: index % 2 === 0 ? 'Automated' : 'Manual',
    startedAt: FIRST + Math.floor(index / 3) * 333 + (index % 11 === 0 ? 60_000 : 0),
    endedAt: FIRST + 3_600_000,
    ...(index % 5 === 0 && { manifestKey: undefined, reason: 'it failed' }),
  }),
)

let world: OpenContext
before(async () => {
  world = await openContext()
  const { addInstance, catalog } = world
  await addInstance(INSTANCE)
  await addInstance('pgm-other')
  await addInstance('pgm-empty')
  for (const set of SETS) await catalog.adoptSet(set)
  for (const set of SETS.slice(0, 40)) {
    await catalog.adoptSet({ ...set, id: String(Number(set.id) + 5000), instanceId: 'pgm-other' })
  }
})
after(() => world[Symbol.asyncDispose]())

interface Reply {
  readonly TotalRecordCount: number
  readonly PageNumber: number
  readonly PageRecordCount: number
  readonly Items: { readonly Backup: readonly Readonly<Record<string, unknown>>[] }
}

async function call(ask: Ask, instance = INSTANCE): Promise<Reply> {
  const given = new Map(Object.entries({ DBInstanceId: instance, ...ask }))
  const values = parseParameters(describeBackups, given, { method: 'GET', fromBody: () => false })
  const reply = await describeBackups.handle(values, world.context)
  return describeBackups.reply.parse(reply) as unknown as Reply
}

/** What the program answers, in the model's words. */
async function answer(ask: Ask) {
  try {
    const { TotalRecordCount: total, PageNumber: page, PageRecordCount, Items } = await call(ask)
    assert.equal(PageRecordCount, Items.Backup.length)
    return { total, page, ids: Items.Backup.map(({ BackupId }) => BackupId) }
  } catch (error) {
    if (error instanceof RdsError) return { code: error.code }
    throw error
  }
}

const two = (value: number) => String(value).padStart(2, '0')
const rightTime = fc
  .record({
    day: fc.constantFrom('01-31', '02-01'),
    hour: fc.constantFrom(23, 0),
    minute: fc.constantFrom(57, 58, 59, 0, 1),
    second: fc.option(fc.nat(59)),
  })
  .map(
    ({ day, hour, minute, second }) =>
      `2026-${day}T${two(hour)}:${two(minute)}${second === null ? '' : `:${two(second)}`}Z`,
  )
const wrongTime = fc.constantFrom(
  '',
  '2026-02-30T00:00Z',
  '2026-01-31T24:00Z',
  '2026-01-31T23:60Z',
  '2026-01-31 23:58Z',
  '2026-01-31T23:58',
  '2026-01-31T23:58:00.000Z',
  '2026-01-31T23:58+00:00',
  '2026-01-31',
  '1769903880',
  ' 2026-01-31T23:58Z',
  '2026-1-31T23:58Z',
)
const time = fc.oneof({ weight: 6, arbitrary: rightTime }, { weight: 1, arbitrary: wrongTime })
const oneOf = (...right: string[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.constantFrom('', 'x', right[0]?.toLowerCase() ?? '', ` ${right[0]}`) },
  )
const number = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('1', '2', '3', '4', '9') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('2147483647', '2147483648', '0', '-1', '01', '+1', '1.0', '1e0', '0x1', '', ' 1', '９'),
  },
)
const asks: fc.Arbitrary<Ask> = fc.record(
  {
    BackupId: fc.oneof(
      fc.nat(240).map((offset) => String(995 + offset)),
      fc.constantFrom('0', '6001', '01000', 'abc', '', '99999999999999999'),
    ),
    BackupStatus: oneOf('Success', 'Failed'),
    BackupMode: oneOf('Automated', 'Manual'),
    BackupType: oneOf('FullBackup', 'IncrementalBackup'),
    StartTime: time,
    EndTime: time,
    PageSize: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('30', '50', '100') },
      { weight: 1, arbitrary: fc.constantFrom('10', '31', '1000', '0', '', '030', '30.0') },
    ),
    PageNumber: number,
  },
  { requiredKeys: [] },
)

test('every call is answered as a naive reading of the DescribeBackups page answers it', async () => {
  const rows = SETS.map(({ id, startedAt, status, mode, type }) => ({ id, startedAt, status, mode, type }))
  await fc.assert(
    fc.asyncProperty(asks, async (ask) => {
      const expected = seedAnswer(rows, ask)
      const got = await answer(ask)
      if (expected.codes)
        assert.ok('code' in got && expected.codes.includes(got.code), JSON.stringify({ ask, got, expected }))
      else assert.deepEqual(got, expected)
    }),
    { numRuns: 1500 },
  )
})

test('the pages of any size, laid end to end, are every set once, newest first', async () => {
  for (const PageSize of ['30', '50', '100'] as const) {
    const ids = []
    for (let page = 1; ; page++) {
      const { Items } = await call({ PageSize, PageNumber: String(page) })
      if (Items.Backup.length === 0) break
      ids.push(...Items.Backup.map(({ BackupId }) => BackupId))
    }
    assert.equal(ids.length, SETS.length)
    assert.equal(new Set(ids).size, SETS.length)
  }
})

test('the page is 30 sets long unless told otherwise', async () => assert.equal((await call({})).PageRecordCount, 30))

test('past the last page there is an empty page that says which it is', async () => {
  const reply = await call({ PageNumber: '2147483647' })
  assert.deepEqual(
    { ...reply, TotalRecordCount: reply.TotalRecordCount },
    {
      PageNumber: 2147483647,
      PageRecordCount: 0,
      TotalRecordCount: 230,
      TotalEcsSnapshotSize: 0,
      Items: { Backup: [] },
    },
  )
})

test('an instance without sets has an empty page, and one that does not exist is not found', async () => {
  assert.equal((await call({}, 'pgm-empty')).TotalRecordCount, 0)
  await assert.rejects(
    call({}, 'pgm-none'),
    (error) => error instanceof RdsError && error.code === 'InvalidDBInstanceName.NotFound' && error.status === 404,
  )
})

test('a set that succeeded has links in all fields, and one that failed in none', async () => {
  const [good] = (await call({ BackupStatus: 'Success' })).Items.Backup
  assert.match(String(good?.['BackupDownloadURL']), /^http:\/\/127\.0\.0\.1:8080\/link\/\d+\//)
  assert.equal(good?.['DownloadLink'], good?.['BackupDownloadURL'])
  assert.equal(good?.['IntranetDownloadLink'], good?.['BackupIntranetDownloadURL'])
  assert.match(String(good?.['LinkExpiredTime']), /^2026-02-02T04:\d\d:\d\dZ$/)
  const [bad] = (await call({ BackupStatus: 'Failed' })).Items.Backup
  assert.equal(bad?.['BackupDownloadURL'], '')
  assert.equal(bad?.['BackupIntranetDownloadURL'], '')
  assert.equal(bad?.['DownloadLink'], null)
  assert.equal(bad?.['LinkExpiredTime'], null)
  assert.equal(bad?.['FailReason'], 'it failed')
})

test('the key of a page changes when the instance, the question or the links change, and only then', async () => {
  const keyOf = (ask: Ask) =>
    describeBackups.cacheKey?.(
      parseParameters(describeBackups, new Map(Object.entries({ DBInstanceId: 'pgm-other', ...ask })), {
        method: 'GET',
        fromBody: () => false,
      }),
      world.context,
    )
  const first = await keyOf({})
  assert.equal(await keyOf({}), first)
  assert.equal(await keyOf({ PageSize: '30', PageNumber: '1' }), first)
  assert.notEqual(await keyOf({ PageNumber: '2' }), first)
  assert.notEqual(await keyOf({ StartTime: '2026-01-01T00:00Z' }), await keyOf({ EndTime: '2026-01-01T00:00Z' }))
  const [sample] = SETS
  assert.ok(sample)
  await world.catalog.adoptSet({ ...sample, id: '9000', instanceId: 'pgm-other' })
  assert.notEqual(await keyOf({}), first)
})
