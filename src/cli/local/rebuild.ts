import type { Catalog } from '../../catalog/catalog.ts'
import type { BackupSet } from '../../core/backup-set.ts'
import { DEFAULT_SETTINGS } from '../../core/instance.ts'
import type { Manifest } from '../../core/manifest.ts'
import { setOfManifest } from '../../core/set-of-manifest.ts'
import type { Moment } from '../../lib/clock.ts'
import { openDownload } from '../../set/download.ts'
import type { Keep } from '../../core/keep-record.ts'
import { readInstanceRecords } from '../../set/instance-record.ts'
import { readKeepRecords } from '../../set/keep-record.ts'
import { listManifests } from '../../set/list.ts'
import type { Store } from '../../store/store.ts'

/** What a rebuild added, and what it could not read. */
export interface Rebuilt {
  readonly instances: number
  readonly sets: number
  /** Sets that the catalog had already. */
  readonly known: number
  readonly problems: readonly string[]
}

/**
 * Adds to a catalog every instance and set that a store holds and it does not know. What it knows stays as it is.
 *
 * Which links were revoked no store tells: those of the sets it adds that were made before `now` all end.
 */
export async function rebuildCatalog(catalog: Catalog, store: Store, now: Moment): Promise<Rebuilt> {
  const problems: string[] = []
  const found = { instances: await addInstances(catalog, store, problems), sets: 0, known: 0 }
  const increments: BackupSet[] = []
  const parents = new Map<string, string | undefined>()
  for await (const { key, manifest, fault } of listManifests(store)) {
    if (fault) {
      problems.push(fault.message)
      continue
    }
    if (await addOwner(catalog, manifest)) found.instances++
    const download = await openDownload(store, manifest)
    const set = { ...setOfManifest(manifest, key, download), linkRound: Math.floor(now / 1000) }
    parents.set(set.id, set.parentId)
    if (set.parentId !== undefined) increments.push(set)
    else if (await catalog.adoptSet(set)) found.sets++
    else found.known++
  }
  for (const set of increments) {
    const missing = missingAncestor(set, parents)
    const damage = missing === undefined ? undefined : `set ${missing}, which it needs, is not in the store`
    if (damage !== undefined) problems.push(`set ${set.id}: ${damage}`)
    if (await catalog.adoptSet(damage === undefined ? set : { ...set, damage })) found.sets++
    else found.known++
  }
  await giveKeeps(catalog, store, problems)
  return { ...found, problems }
}

/** The first set that an increment needs and that does not lie in the store; undefined when all do. */
function missingAncestor(
  { id, parentId }: BackupSet,
  parents: ReadonlyMap<string, string | undefined>,
): string | undefined {
  const seen = new Set([id])
  for (let at = parentId; at !== undefined; at = parents.get(at)) {
    if (!parents.has(at) || seen.has(at)) return at
    seen.add(at)
  }
  return undefined
}

/** Policies, pins and ends of sets, of instances that have none in the catalog. */
async function giveKeeps(catalog: Catalog, store: Store, problems: string[]): Promise<void> {
  for await (const { keep, fault } of readKeepRecords(store)) {
    if (fault) problems.push(fault.message)
    else await giveKeep(catalog, keep)
  }
}

async function giveKeep(catalog: Catalog, { instanceId, policy, changedAt, pinned, ends }: Keep): Promise<void> {
  const known = await catalog.policyOf(instanceId)
  if (known === undefined || known.changedAt > 0) return
  await catalog.changePolicy(instanceId, () => policy, { at: changedAt })
  const isHere = async (id: string) => (await catalog.set(id))?.instanceId === instanceId
  for (const id of pinned) if (await isHere(id)) await catalog.pinSet(instanceId, id, true)
  for (const [id, end] of Object.entries(ends)) if (await isHere(id)) await catalog.setExpiry(instanceId, [id], end)
}

async function addInstances(catalog: Catalog, store: Store, problems: string[]): Promise<number> {
  let added = 0
  for await (const { instance, fault } of readInstanceRecords(store)) {
    if (fault) problems.push(fault.message)
    else if ((await catalog.instance(instance.id)) === undefined) {
      await catalog.addInstance(instance)
      added++
    }
  }
  return added
}

/** A set whose instance has no record belongs to one that is known by its sets alone, and is not registered. */
async function addOwner(catalog: Catalog, { instance, endedAt, startedAt, postgres }: Manifest): Promise<boolean> {
  if ((await catalog.instance(instance.id)) !== undefined) return false
  await catalog.addInstance({
    ...instance,
    settings: DEFAULT_SETTINGS,
    systemIdentifier: postgres?.systemIdentifier,
    createdAt: startedAt,
    deregisteredAt: endedAt,
    nodes: [],
  })
  return true
}
