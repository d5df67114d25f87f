import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ActionContext } from '../../src/api/action.ts'
import { createLinks } from '../../src/api/links.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import type { BackupSet } from '../../src/core/backup-set.ts'
import { ALL_RIGHTS } from '../../src/core/access-key.ts'
import { DEFAULT_SETTINGS } from '../../src/core/instance.ts'
import { fakeEngine } from '../../src/engine/fake/fake.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { NO_ENCRYPTION } from '../../src/set/encryption.ts'
import { memStore } from '../../src/store/mem.ts'

const PRIMARY = { role: 'primary', systemIdentifier: '7', content: new Uint8Array(10) } as const

/** What handlers get, without a port: a real catalog in a directory of its own, a store in memory, a clock that stands still. */
export async function openContext() {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-context-')))
  const clock = new FakeClock('2026-02-02T03:04:05Z')
  const sealer = createSealer([Buffer.alloc(32, 1)], (message) => new Error(message))
  const catalog = await openCatalog({ url: `sqlite:${join(directory, 'catalog.db')}`, sealer, clock, log: silentLog })
  const context: ActionContext = {
    catalog,
    store: memStore(clock),
    sealer,
    clock,
    links: createLinks(sealer, clock, { publicUrl: 'http://127.0.0.1:8080', lifetimeSeconds: 3600 }),
    engineOf: () => fakeEngine({ clock, servers: { primary: PRIMARY } }),
    region: 'cn-hangzhou',
    restoreRoots: [directory],
    clones: true,
    encryption: NO_ENCRYPTION,
    wake: () => {},
    caller: { keyId: 'key', parentKeyId: '', rights: ALL_RIGHTS, sources: [] },
    once: { keyId: 'key', nonce: 'nonce', expiresAt: clock.now() + 900_000 },
    signal: new AbortController().signal,
  }
  return {
    context,
    catalog,
    directory,
    addInstance: (id: string) =>
      catalog.addInstance({
        id,
        engine: 'postgres',
        engineVersion: '15.0',
        description: '',
        settings: DEFAULT_SETTINGS,
        systemIdentifier: '7',
        createdAt: clock.now(),
        nodes: [{ role: 'primary', address: { host: 'primary', port: 5432, user: 'u', sslMode: 'disable' } }],
      }),
    async [Symbol.asyncDispose]() {
      await catalog.close()
      await rm(directory, { recursive: true })
    },
  }
}

export type OpenContext = Awaited<ReturnType<typeof openContext>>

/** A set that succeeded, but for what a test says. */
export const sampleSet = (change: Partial<BackupSet>): BackupSet => ({
  id: '1000',
  instanceId: 'pgm-orders',
  nodeId: '3',
  status: 'Success',
  type: 'FullBackup',
  mode: 'Manual',
  method: 'Physical',
  startedAt: 0,
  endedAt: 0,
  consistentAt: undefined,
  size: 100,
  available: true,
  engine: 'postgres',
  engineVersion: '15.0',
  manifestKey: 'sets/a/1/1-1/manifest.json',
  parentId: undefined,
  reason: undefined,
  held: false,
  verifiedAt: undefined,
  ...change,
})
