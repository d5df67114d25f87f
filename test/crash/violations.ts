import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { rebuildCatalog } from '../../src/cli/local/rebuild.ts'
import type { BackupSet } from '../../src/core/backup-set.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { objectsOf, openSet, readManifest } from '../../src/set/read.ts'
import { verifySet } from '../../src/set/verify.ts'
import { MARKER } from '../../src/store/marker.ts'
import type { Store } from '../../src/store/store.ts'
import { sealer } from './scene-parts.ts'

/** What is looked at after everything has come to rest. */
export interface Rest {
  readonly catalog: Catalog
  readonly store: Store
  readonly storeDirectory: string
  readonly instanceIds: readonly string[]
  /** Ids of the sets that must be there and restorable, and no others; whatever is there when absent. */
  readonly expected?: readonly string[] | undefined
  /** Ids of the sets that must be among those that are there. */
  readonly kept?: readonly string[] | undefined
  /** What every set must give back; its stored bytes alone are checked when absent. */
  readonly content?: Uint8Array | undefined
}

/** All that is not as the specification of a crash says; empty when all is well. */
export async function violationsOf(rest: Rest): Promise<string[]> {
  const sets = await allSets(rest)
  const good = sets.filter(({ status }) => status === 'Success')
  const lists = await Promise.all([
    rest.catalog.check(),
    unendedTasks(rest.catalog),
    wrongIds(rest, good),
    unrestorable(rest, good),
    garbage(rest, good),
    rebuiltOtherwise(rest, good),
  ])
  return lists.flat()
}

export async function allSets({ catalog, instanceIds }: Pick<Rest, 'catalog' | 'instanceIds'>): Promise<BackupSet[]> {
  const pages = instanceIds.map((instanceId) => catalog.sets({ instanceId, offset: 0, limit: 10_000 }))
  return (await Promise.all(pages)).flatMap(({ items }) => items)
}

async function unendedTasks(catalog: Catalog): Promise<string[]> {
  const tasks = await catalog.tasks({ states: ['waiting', 'running'] })
  return tasks.map(({ kind, id, state }) => `task ${id} (${kind}) is ${state} for ever`)
}

async function wrongIds({ expected, kept = [] }: Rest, good: readonly BackupSet[]): Promise<string[]> {
  const ids = good.map(({ id }) => id)
  const lost = [...(expected ?? []), ...kept].filter((id) => !ids.includes(id)).map((id) => `set ${id} is lost`)
  const extra = expected ? ids.filter((id) => !expected.includes(id)).map((id) => `nobody asked for set ${id}`) : []
  return [...lost, ...extra]
}

async function unrestorable({ store, content }: Rest, good: readonly BackupSet[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { id, manifestKey = '' } of good) {
    try {
      const manifest = await readManifest(store, manifestKey)
      const { damage } = await verifySet(store, manifest)
      wrong.push(...damage.map((what) => `set ${id} says Success: ${what}`))
      if (!content) continue
      const given = Buffer.concat(await Array.fromAsync(openSet(store, manifest).read('data')))
      if (!given.equals(content)) wrong.push(`set ${id} gives back other bytes than those of the database`)
    } catch (error) {
      wrong.push(`set ${id} says Success: ${String(error)}`)
    }
  }
  return wrong
}

/** What lies in the store and belongs to no set that is there. */
async function garbage({ store, storeDirectory }: Rest, good: readonly BackupSet[]): Promise<string[]> {
  const needed = new Set([MARKER])
  for (const { manifestKey = '' } of good) {
    needed.add(manifestKey)
    const manifest = await readManifest(store, manifestKey).catch(() => undefined)
    for (const { key } of manifest ? objectsOf(manifest) : []) needed.add(key)
  }
  const stray: string[] = []
  for await (const { key } of store.list('')) {
    if (!needed.has(key) && !/^(instances|keeps)\//.test(key)) stray.push(`${key} is garbage`)
  }
  const drafts = await readdir(join(storeDirectory, '~drafts')).catch(() => [])
  return [...stray, ...drafts.map((name) => `draft ${name} is garbage`)]
}

/** A new catalog made of the store alone must know the same sets. */
async function rebuiltOtherwise({ store, instanceIds }: Rest, good: readonly BackupSet[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-rebuilt-'))
  const url = `sqlite:${join(directory, 'catalog.db')}`
  const catalog = await openCatalog({ url, sealer, clock: systemClock, log: silentLog })
  try {
    const { problems } = await rebuildCatalog(catalog, store, systemClock.now())
    const found = (await allSets({ catalog, instanceIds })).map(essence).toSorted()
    const known = good.map(essence).toSorted()
    if (found.join() === known.join()) return [...problems]
    return [...problems, `a rebuild finds ${found.join('; ')} and not ${known.join('; ')}`]
  } finally {
    await catalog.close()
    await rm(directory, { recursive: true })
  }
}

const essence = ({ id, size, manifestKey, startedAt, consistentAt }: BackupSet): string =>
  [id, size, manifestKey, startedAt, consistentAt].join(' ')
