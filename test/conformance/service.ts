import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACTIONS } from '../../src/api/actions.ts'
import { startApi } from '../../src/api/server.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { configSchema } from '../../src/config/schema.ts'
import { newAccessKey } from '../../src/core/access-key.ts'
import { type FakeServer, fakeEngine } from '../../src/engine/fake/fake.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { fsStore } from '../../src/store/fs.ts'
import type { Store } from '../../src/store/store.ts'
import { runDrills } from '../../src/scheduler/run-drills.ts'
import { runWorker } from '../../src/worker/run-worker.ts'
import type { Key } from './clients.ts'

/** What a backup in these tests holds: half of it does not compress. */
export const CONTENT = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(1_500_000, 'some row of text ')])

/** A node as RegisterDBInstance takes it: the pretended server `primary`. */
export const NODE = { Host: 'primary', Port: '5432', User: 'backup', Password: 'a secret of the test' }

/** `twin` says that it is the primary too, `stranger` that it is of another database; nobody else answers. */
function serversWith(content: Buffer): Readonly<Record<string, FakeServer>> {
  const primary: FakeServer = { role: 'primary', systemIdentifier: '7', content }
  return {
    primary,
    replica: { ...primary, role: 'replica' },
    twin: primary,
    stranger: { ...primary, role: 'replica', systemIdentifier: '8' },
  }
}

export interface TestService {
  readonly url: string
  readonly key: Key
  readonly catalog: Catalog
  readonly store: Store
  readonly restoreRoot: string
  /** Stops backups before their first byte, until what it gives is called. */
  blockBackups(): () => void
  /** Lets the clock of the service run this many milliseconds ahead of ours from now on. */
  runAhead(ms: number): void
  close(): Promise<void>
}

export interface TestServiceOptions {
  /** What a backup holds; CONTENT when absent. */
  readonly content?: Buffer
  readonly restoreRoots?: readonly string[]
  readonly limits?: { readonly downloads?: number; readonly downloadsPerSet?: number }
}

/** The real API on a port of its own, over a real catalog, a store in files, a worker, and a pretended database. */
export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-conformance-')))
  const restoreRoot = join(directory, 'restored')
  await mkdir(restoreRoot)
  await mkdir(join(directory, 'store'))
  const restoreRoots = options.restoreRoots ?? [restoreRoot]
  let ahead = 0
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
  const sealer = createSealer([randomBytes(32)], (message) => new Error(message))
  const log = silentLog
  const catalog = await openCatalog({ url: `sqlite:${join(directory, 'catalog.db')}`, sealer, clock, log })
  const key = newAccessKey()
  await catalog.addKey({ id: key.id, description: '', createdAt: clock.now() }, key.secret)
  const store = fsStore(join(directory, 'store'), clock)
  let gate = Promise.resolve()
  const engine = fakeEngine({ clock, servers: serversWith(options.content ?? CONTENT), beforeChunk: () => gate })
  const stopping = new AbortController()
  const settings = {
    leaseSeconds: 5,
    pollSeconds: 0.05,
    concurrency: 2,
    attempts: 1,
    retrySeconds: 1,
    stopSeconds: 1,
    compressionLevel: 1,
  }
  const common = { catalog, store, clock, log, engineOf: () => engine }
  const worker = runWorker(
    {
      ...common,
      name: 'test',
      settings,
      restore: { roots: restoreRoots, binDirs: [] },
      scratch: join(directory, 'drills'),
      clones: join(directory, 'clones'),
    },
    stopping.signal,
  )
  const drills = runDrills({ catalog, clock, log, pollSeconds: 0.05, wake: () => worker.wake() }, stopping.signal)
  const api = await startApi({
    ...common,
    actions: ACTIONS,
    sealer,
    wake: () => worker.wake(),
    config: configSchema.parse({
      api: { port: 0 },
      metrics: { enabled: false },
      limits: options.limits ?? {},
      restore: { roots: restoreRoots },
      clones: { directory: join(directory, 'clones') },
    }),
  })

  return {
    url: api.url,
    key,
    catalog,
    store,
    restoreRoot,
    blockBackups() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
    runAhead: (ms) => {
      ahead = ms
    },
    async close() {
      await api.close()
      stopping.abort()
      await Promise.all([worker.done, drills])
      await catalog.close()
      await rm(directory, { recursive: true })
    },
  }
}
