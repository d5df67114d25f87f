import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCatalog } from '../../src/catalog/open.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { SetType } from '../../src/core/backup-set.ts'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import { TASK_KINDS, type Task, type TaskKind } from '../../src/core/task.ts'
import { fakeEngine, type FakeServer } from '../../src/engine/fake/fake.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { Encryption } from '../../src/set/encryption.ts'
import { memStore } from '../../src/store/mem.ts'
import type { Store } from '../../src/store/store.ts'
import { doTask } from '../../src/worker/do-task.ts'
import type { WorkerDeps } from '../../src/worker/task-run.ts'

export const LEASE_MS = 60_000

export interface WorldOptions {
  readonly servers?: Readonly<Record<string, FakeServer>>
  readonly preferReplica?: boolean
  /** Called before each chunk of a backup. */
  readonly beforeChunk?: (bytes: number, host: string) => Promise<void>
  readonly store?: (plain: Store) => Store
  readonly catalog?: (plain: Catalog) => Catalog
  /** What the workers encrypt to and open, as it is when a task begins. */
  readonly encryption?: () => Encryption
}

const PRIMARY: FakeServer = { role: 'primary', systemIdentifier: '7', content: new Uint8Array(300_000).fill(65) }

/** A worker's whole world without a database server: an embedded catalog, a store in memory, a pretended engine and a clock that stands still. */
export async function workerWorld(options: WorldOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-world-'))
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const sealer = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))
  const url = `sqlite:${join(directory, 'catalog.db')}`
  const plain = await openCatalog({ url, sealer, clock, log: silentLog, migrate: true })
  const catalog = options.catalog?.(plain) ?? plain
  const mem = memStore(clock)
  const store = options.store?.(mem) ?? mem
  const servers = options.servers ?? { primary: PRIMARY }
  const engine = fakeEngine({ clock, servers, ...(options.beforeChunk && { beforeChunk: options.beforeChunk }) })
  const instance = await plain.addInstance({
    id: 'pgm-1',
    engine: 'postgres',
    engineVersion: '15.0',
    description: '',
    settings: { ...DEFAULT_SETTINGS, preferReplica: options.preferReplica ?? false },
    systemIdentifier: '7',
    createdAt: clock.now(),
    nodes: Object.entries(servers).map(([host, { role }]) => ({
      role,
      address: { host, port: 5432, user: 'u', sslMode: 'disable' },
    })),
  })
  const depsOf = (name: string): WorkerDeps => ({
    catalog,
    store,
    engineOf: () => engine,
    clock,
    log: silentLog,
    name,
    settings: {
      leaseSeconds: LEASE_MS / 1000,
      pollSeconds: 5,
      concurrency: 1,
      attempts: 3,
      retrySeconds: 10,
      stopSeconds: 20,
      compressionLevel: 1,
    },
    restore: { roots: [directory], binDirs: [] },
    scratch: join(directory, 'drills'),
    clones: join(directory, 'clones'),
    encryption: options.encryption?.(),
    auditMs: 400 * 86_400_000,
  })
  return {
    directory,
    clock,
    catalog: plain,
    store: mem,
    instance,
    depsOf,

    askBackup: (type: SetType = 'FullBackup'): Promise<Task> =>
      plain.addTask({
        kind: 'take-backup',
        instanceId: instance.id,
        request: { mode: 'Manual', type, method: 'Physical' },
      }),

    claim: (name: string): Promise<Task | undefined> => plain.claimTask(name, TASK_KINDS, LEASE_MS),

    /** Claims the next task of these kinds as worker `name` and does it. Gives the task as it is afterwards. */
    async doNext(
      name = 'w1',
      hurry: AbortSignal = new AbortController().signal,
      kinds: readonly TaskKind[] = TASK_KINDS,
    ): Promise<Task | undefined> {
      const task = await plain.claimTask(name, kinds, LEASE_MS)
      if (!task) return undefined
      await doTask(task, depsOf(name), hurry)
      return plain.task(task.id)
    },

    keys: async (): Promise<string[]> => (await Array.fromAsync(mem.list(''))).map(({ key }) => key),

    async [Symbol.asyncDispose]() {
      await plain.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export type WorkerWorld = Awaited<ReturnType<typeof workerWorld>>
