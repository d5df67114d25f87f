import assert from 'node:assert/strict'
import type { Catalog, NewInstance, NewNode } from '../../../src/catalog/catalog.ts'
import type { BackupSet } from '../../../src/core/backup-set.ts'
import { Fault, type FaultCode } from '../../../src/core/fault.ts'
import { DEFAULT_SETTINGS } from '../../../src/core/instance.ts'
import type { Lease, TaskKind } from '../../../src/core/task.ts'

/** A way to run the contract on one kind of catalog. */
export interface CatalogHarness {
  /** An empty catalog, closed and taken away when the suite ends. */
  open(): Promise<Catalog>
  /** Lets the catalog's own time pass. */
  pass(ms: number): Promise<void>
  /** How long a lease must be, to be sure not to end by itself within a few statements. */
  readonly leaseMs: number
  /** What it runs on, in words: printed, so that nobody is fooled. */
  about(): Promise<string>
}

/** What each part of the contract is given. */
export type Part = (harness: CatalogHarness) => void

/** Asserts that `work` fails with this fault. */
export const refused = (work: Promise<unknown>, code: FaultCode): Promise<void> =>
  assert.rejects(work, (error) => {
    if (Fault.is(error, code)) return true
    throw error
  })

export const node = (host: string, role: NewNode['role'] = 'primary', id?: string): NewNode => ({
  ...(id === undefined ? {} : { id }),
  role,
  address: { host, port: 5432, user: 'backup', password: `pass of ${host}`, sslMode: 'prefer' },
})

export const instance = (id: string, over: Partial<NewInstance> = {}): NewInstance => ({
  id,
  engine: 'postgres',
  engineVersion: '18.0',
  description: `about ${id}`,
  settings: DEFAULT_SETTINGS,
  systemIdentifier: '7300000000000000001',
  createdAt: 1_700_000_000_000,
  nodes: [node(`${id}.example`)],
  ...over,
})

export const backupSet = (id: number | string, over: Partial<BackupSet> = {}): BackupSet => ({
  id: String(id),
  instanceId: 'pg-1',
  nodeId: '7',
  status: 'Success',
  type: 'FullBackup',
  mode: 'Manual',
  method: 'Physical',
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_060_000,
  consistentAt: 1_700_000_050_000,
  size: 1000,
  available: true,
  engine: 'postgres',
  engineVersion: '18.0',
  manifestKey: `sets/pg-1/${id}/1-1/manifest.json`,
  parentId: undefined,
  reason: undefined,
  held: false,
  verifiedAt: undefined,
  ...over,
})

/** The whole list of an instance, as ids. */
export const idsOf = async (catalog: Catalog, instanceId = 'pg-1'): Promise<string[]> =>
  (await catalog.sets({ instanceId, offset: 0, limit: 1000 })).items.map(({ id }) => id)

/** Claims the oldest task of a kind, which must be there. */
export async function claim(catalog: Catalog, kind: TaskKind, leaseMs: number, worker = 'worker-1'): Promise<Lease> {
  const task = await catalog.claimTask(worker, [kind], leaseMs)
  assert.ok(task, `no ${kind} to claim`)
  return { taskId: task.id, attempt: task.attempt, worker }
}

/** A catalog with instance `pg-1` and these sets. */
export async function withSets(harness: CatalogHarness, ...sets: readonly BackupSet[]): Promise<Catalog> {
  const catalog = await harness.open()
  await catalog.addInstance(instance('pg-1'))
  for (const set of sets) assert.equal(await catalog.adoptSet(set), true)
  return catalog
}
