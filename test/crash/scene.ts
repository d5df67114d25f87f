import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { Fault } from '../../src/core/fault.ts'
import { DEFAULT_SETTINGS, type NodeAddress } from '../../src/core/instance.ts'
import { TASK_KINDS, type Task } from '../../src/core/task.ts'
import { silentLog } from '../../src/lib/log.ts'
import { entombAttempt } from '../../src/set/attempts.ts'
import { attemptPrefix } from '../../src/set/layout.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { doTask } from '../../src/worker/do-task.ts'
import { bytes } from '../contract/store.ts'
import { engineOf, LEASE_SECONDS, openSceneCatalog, placesOf, workerDeps } from './scene-parts.ts'
import { type ShiftedClock, shiftedClock } from './shifted-clock.ts'

/** What the worker that will be killed has to do. */
export const SCENE_KINDS = ['backup', 'adopt', 'expire', 'sweep', 'verify', 'restore'] as const
export type SceneKind = (typeof SCENE_KINDS)[number]

export interface SceneOptions {
  readonly kind: SceneKind
  readonly contentBytes: number
  /** A real PostgreSQL to back up; pretended bytes when absent. */
  readonly address?: NodeAddress | undefined
}

/** A catalog in a file and a store in a directory, with one task that waits; and the eyes of whoever comes later. */
export interface Scene extends AsyncDisposable {
  readonly kind: SceneKind
  readonly directory: string
  readonly engine: 'fake' | 'postgres'
  readonly contentBytes: number
  readonly clock: ShiftedClock
  readonly catalog: Catalog
  readonly store: Store
  readonly instanceId: string
  readonly task: Task
  /** Ids of the sets that must be there and restorable in the end, and no others. */
  readonly expected: readonly string[]
  /** Claims the next task and does it, as a worker in this process; gives whether there was one. */
  next(catalog?: Catalog): Promise<boolean>
}

const INSTANCE = 'pg-1'

type Bare = Omit<Scene, 'task' | 'expected'>

export async function makeScene(options: SceneOptions): Promise<Scene> {
  const scene = await makeBare(options)
  try {
    await scene.catalog.addInstance(instanceAt(options.address, scene.clock.now()))
    return { ...scene, ...(await PREPARATIONS[options.kind](scene)) }
  } catch (error) {
    await scene[Symbol.asyncDispose]()
    throw error
  }
}

async function makeBare({ kind, contentBytes, address }: SceneOptions): Promise<Bare> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
  const engine = address ? 'postgres' : 'fake'
  const clock = shiftedClock()
  const catalog = await openSceneCatalog(directory, clock, silentLog)
  const store = await openStore(placesOf(directory).storeUrl, clock)
  await mkdir(placesOf(directory).restored)
  const parts = { store, engine: await engineOf({ engine, contentBytes }, clock), clock, log: silentLog }
  let workers = 0
  return {
    kind,
    directory,
    engine,
    contentBytes,
    clock,
    catalog,
    store,
    instanceId: INSTANCE,
    next: async (by = catalog) => {
      const deps = workerDeps(directory, `later-${workers++}`, { ...parts, catalog: by })
      const task = await catalog.claimTask(deps.name, TASK_KINDS, LEASE_SECONDS * 1000)
      if (task) await doTask(task, deps, new AbortController().signal)
      return task !== undefined
    },
    [Symbol.asyncDispose]: async () => {
      await catalog.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const instanceAt = (address: NodeAddress | undefined, createdAt: number) =>
  ({
    id: INSTANCE,
    engine: 'postgres',
    engineVersion: '15.0',
    description: '',
    settings: DEFAULT_SETTINGS,
    systemIdentifier: undefined,
    createdAt,
    nodes: [{ role: 'primary', address: address ?? { host: 'primary', port: 1, user: 'u', sslMode: 'disable' } }],
  }) as const

const askBackup = ({ catalog }: Bare) =>
  catalog.addTask({
    kind: 'take-backup',
    instanceId: INSTANCE,
    request: { mode: 'Manual', type: 'FullBackup', method: 'Physical' },
  })

/** A set that is there already. */
async function finishedSet(scene: Bare): Promise<Task & { setId: string }> {
  const task = await askBackup(scene)
  await scene.next()
  return { ...task, setId: String(task.setId) }
}

const PREPARATIONS: Record<SceneKind, (scene: Bare) => Promise<Pick<Scene, 'task' | 'expected'>>> = {
  backup: async (scene) => {
    const kept = await finishedSet(scene)
    const task = await askBackup(scene)
    return { task, expected: [kept.setId, String(task.setId)] }
  },
  /** A first attempt put its manifest, and the catalog was away when it wanted to commit. */
  adopt: async (scene) => {
    const task = await askBackup(scene)
    const commitSet = () => Promise.reject(new Fault('catalog_unavailable', 'commit'))
    await scene.next({ ...scene.catalog, commitSet })
    return { task, expected: [String(task.setId)] }
  },
  expire: async (scene) => {
    const [gone, kept] = [await finishedSet(scene), await finishedSet(scene)]
    const [task] = await scene.catalog.removeSets(INSTANCE, [gone.setId])
    if (!task) throw new Error('no task removes the set')
    return { task, expected: [kept.setId] }
  },
  sweep: async (scene) => {
    const kept = await finishedSet(scene)
    await leaveGarbage(scene, kept)
    await scene.catalog.ensureTask({ kind: 'sweep', request: {} })
    const [task] = await scene.catalog.tasks({ kind: 'sweep' })
    if (!task) throw new Error('no sweep waits')
    return { task, expected: [kept.setId] }
  },
  verify: async (scene) => aboutSet(scene, 'verify', {}),
  restore: async (scene) => aboutSet(scene, 'restore', { to: join(placesOf(scene.directory).restored, 'here') }),
}

async function aboutSet(scene: Bare, kind: 'verify' | 'restore', request: object) {
  const { setId } = await finishedSet(scene)
  const task = await scene.catalog.addTask({ kind, instanceId: INSTANCE, setId, request })
  return { task, expected: [setId] }
}

/** A dead attempt, one that has had its tombstone for an hour, and a draft that nobody writes any more. */
async function leaveGarbage({ store, clock, directory }: Bare, { id: taskId, setId }: { id: string; setId: string }) {
  const placeOf = (attempt: number) => ({ instanceId: INSTANCE, setId, taskId, attempt })
  const hourAgo = clock.now() - 3_600_000
  for (const attempt of [2, 3]) await store.put(`${attemptPrefix(placeOf(attempt))}data.tar.zst`, bytes('half a set'))
  await entombAttempt(store, placeOf(3), hourAgo)
  const draft = join(placesOf(directory).storeDirectory, '~drafts', '1-old')
  await writeFile(draft, 'half an object')
  await utimes(draft, hourAgo / 1000, hourAgo / 1000)
}
