import { randomBytes } from 'node:crypto'
import type { Manifest } from '../../src/core/manifest.ts'
import type { SetMethod } from '../../src/core/backup-set.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import type { AttemptPlace, SetWriter } from '../../src/set/set.ts'
import { beginSet } from '../../src/set/write.ts'
import { memStore } from '../../src/store/mem.ts'
import type { Store } from '../../src/store/store.ts'
import { bytes } from '../contract/store.ts'

/** The place of a set in tests. */
export const PLACE: AttemptPlace = { instanceId: 'pg-orders', setId: '12', taskId: '7', attempt: 1 }

/** An empty store that keeps nothing, at a moment that stands still. */
export const emptyStore = (): Store => memStore(new FakeClock('2026-01-02T03:04:05Z'))

/** A manifest of what `writer` wrote at `place`. */
export function manifestOf(place: AttemptPlace, writer: SetWriter, method: SetMethod = 'Physical'): Manifest {
  return {
    format: 'holdfast-set',
    version: 1,
    backupId: place.setId,
    taskId: place.taskId,
    attempt: place.attempt,
    instance: { id: place.instanceId, engine: 'postgres', engineVersion: '15.0', description: 'orders' },
    node: { id: '3', role: 'primary' },
    type: 'FullBackup',
    mode: 'Manual',
    method,
    startedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    endedAt: Date.UTC(2026, 0, 2, 3, 5, 6, 789),
    consistentAt: Date.UTC(2026, 0, 2, 3, 5, 0),
    available: true,
    warnings: [],
    parts: [...writer.parts],
    extras: [...writer.extras],
  }
}

/** A set of these parts and one extra, written into `store`. */
export async function writeSet(
  store: Store,
  parts: Readonly<Record<string, Uint8Array>> = { data: sampleBytes(5_000_000) },
  { place = PLACE, method = 'Physical' }: { place?: AttemptPlace; method?: SetMethod } = {},
): Promise<{ manifest: Manifest; key: string }> {
  const writer = beginSet(store, place, { level: 1 })
  for (const [name, data] of Object.entries(parts)) await writer.part(name, bytes(data))
  await writer.extra('backup_manifest', bytes('{"PostgreSQL-Backup-Manifest-Version": 1}\n'))
  const manifest = manifestOf(place, writer, method)
  return { manifest, key: await writer.commit(manifest) }
}

/** Bytes of which half do not compress. */
export function sampleBytes(length: number): Buffer {
  const half = Math.floor(length / 2)
  return Buffer.concat([randomBytes(half), Buffer.alloc(length - half, 'some row of text ')])
}
