import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../lib/postgres.ts'
import { addBulk, forgetPeak, peakMegabytes } from './bulk.ts'
import { startService } from './service.ts'
import { register, restore, take } from './sets.ts'

/** What one task may have at most. */
const LIMIT_MB = 250

test('a worker stays under 250 MB while it backs up, verifies and restores a gigabyte', async (context) => {
  await using service = await startService()
  await using server = await startPostgres({ version: 15 })
  await addBulk(server, 8, 125)
  await register(service, 'gigabyte', [server])
  const worker = await service.workerPid()
  const within = async (what: string, work: () => Promise<unknown>) => {
    await forgetPeak(worker)
    await work()
    const peak = await peakMegabytes(worker)
    context.diagnostic(`${what}: ${peak} MB`)
    assert.ok(peak < LIMIT_MB, `${what} took ${peak} MB`)
  }
  let set = { BackupId: '' } as Awaited<ReturnType<typeof take>>
  await within('backup', async () => (set = await take(service, 'gigabyte')))
  assert.ok(set.BackupSize > 5e8)
  await within('verify', () => service.json('backups', 'verify', set.BackupId))
  await within('restore', () => restore(service, set))
  assert.equal(await service.workerPid(), worker)
})
