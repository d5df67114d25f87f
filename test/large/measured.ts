import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { forgetPeak, peakMegabytes } from '../e2e/bulk.ts'
import type { E2eService } from '../e2e/service.ts'
import { register, restore, take, type ListedSet } from '../e2e/sets.ts'
import type { Restored } from '../../src/engine/engine.ts'
import type { TestServer } from '../lib/postgres.ts'

/** What one task may have at most. */
const LIMIT_MB = 250

/**
 * Backs a server up, ends it, and verifies and restores its set, so that disk is needed for two of the three at a time. The
 * peak memory of the worker in each task is printed, and held against the limit when all is done.
 */
export async function measured(service: E2eService, server: TestServer, context: TestContext): Promise<Restored> {
  const worker = await service.workerPid()
  const peaks: number[] = []
  const measure = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    await forgetPeak(worker)
    const start = performance.now()
    const result = await work()
    const peak = await peakMegabytes(worker)
    context.diagnostic(`${what}: peak memory ${peak} MB, ${Math.round((performance.now() - start) / 1000)} s`)
    peaks.push(peak)
    return result
  }
  await register(service, 'large', [server])
  const set: ListedSet = await measure('backup', () => take(service, 'large'))
  context.diagnostic(`set: ${Math.round(set.BackupSize / 1e6)} MB`)
  await server[Symbol.asyncDispose]()
  await measure('verify', () => service.json('backups', 'verify', set.BackupId))
  const restored = await measure('restore', () => restore(service, set))
  assert.equal(await service.workerPid(), worker, 'the worker that was measured did it all')
  assert.ok(Math.max(...peaks) < LIMIT_MB, `a task took ${Math.max(...peaks)} MB`)
  return restored
}
