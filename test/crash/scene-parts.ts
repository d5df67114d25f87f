import { createCipheriv } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { fakeEngine } from '../../src/engine/fake/fake.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { Store } from '../../src/store/store.ts'
import type { WorkerDeps } from '../../src/worker/task-run.ts'

/** A worker's lease in a scene: longer than any step takes, so that only the clock of the next worker ends it. */
export const LEASE_SECONDS = 60

export const sealer = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))

/** Where the catalog and the store of a scene lie. */
export const placesOf = (directory: string) => ({
  catalogUrl: `sqlite:${join(directory, 'catalog.db')}`,
  storeDirectory: join(directory, 'store'),
  storeUrl: pathToFileURL(join(directory, 'store')).href,
  restored: join(directory, 'restored'),
})

export const openSceneCatalog = (
  directory: string,
  clock: Clock,
  log: Log,
  heard?: (sql: string) => void,
): Promise<Catalog> => openCatalog({ url: placesOf(directory).catalogUrl, sealer, clock, log, ...(heard && { heard }) })

/** The same bytes in every process: half of them do not compress. */
export function contentOf(length: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const half = Math.ceil(length / 2)
  return Buffer.concat([cipher.update(Buffer.alloc(half)), Buffer.alloc(length - half, 'some row of text ')])
}

/** The engine of a scene: the real one, loaded only then, or one that passes bytes. */
export async function engineOf(
  { engine, contentBytes }: { engine: 'fake' | 'postgres'; contentBytes: number },
  clock: Clock,
  beforeChunk?: (bytes: number) => Promise<void>,
): Promise<Engine> {
  if (engine === 'postgres') return (await import('../../src/engine/postgres/engine.ts')).postgresEngine({ clock })
  const primary = { role: 'primary', systemIdentifier: '7', content: contentOf(contentBytes) } as const
  return fakeEngine({ clock, servers: { primary }, ...(beforeChunk && { beforeChunk }) })
}

/** A worker's parts in a scene. */
export function workerDeps(
  directory: string,
  name: string,
  parts: { catalog: Catalog; store: Store; engine: Engine; clock: Clock; log: Log },
): WorkerDeps {
  const { engine, ...rest } = parts
  return {
    ...rest,
    engineOf: () => engine,
    name,
    settings: {
      leaseSeconds: LEASE_SECONDS,
      pollSeconds: 1,
      concurrency: 1,
      attempts: 3,
      retrySeconds: 0.001,
      stopSeconds: 1,
      compressionLevel: 1,
    },
    restore: { roots: [placesOf(directory).restored], binDirs: [] },
    scratch: join(directory, 'drills'),
  }
}
