import { Fault } from '../../core/fault.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { Identity } from '../../lib/age.ts'
import { listManifests } from '../../set/list.ts'
import { noteProven } from '../../set/proofs.ts'
import { tryOpen } from '../../set/try-open.ts'
import { verifySet } from '../../set/verify.ts'
import type { Store } from '../../store/store.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { progressBar } from '../progress.ts'
import { formatBytes } from '../units.ts'
import { identitiesFor, identitiesOf } from './identity.ts'
import { configOf } from './open.ts'

export interface CheckOptions extends ConfigOptions {
  readonly identity: string
  readonly json?: boolean
}

/**
 * Opens the newest encrypted set of each instance, or reads one set whole. What was opened is noted as shown. Fault
 * 'identity_needed' or 'verify_failed' says which sets were not.
 */
export async function checkEncryption(setId: string | undefined, options: CheckOptions, parts: Parts): Promise<void> {
  const config = configOf(options, parts)
  const store = await parts.openStore(config.store.url, { create: false })
  const encrypted: Manifest[] = []
  for await (const { manifest } of listManifests(store)) if (manifest?.encryption) encrypted.push(manifest)
  if (setId === undefined) await checkNewest(store, newestOf(encrypted), options, parts)
  else await checkWhole(store, setId, encrypted, options, parts)
}

function newestOf(manifests: readonly Manifest[]): readonly Manifest[] {
  const newest = new Map<string, Manifest>()
  for (const manifest of manifests) {
    const known = newest.get(manifest.instance.id)
    if (!known || known.startedAt < manifest.startedAt) newest.set(manifest.instance.id, manifest)
  }
  return [...newest.values()]
}

async function checkNewest(store: Store, newest: readonly Manifest[], options: CheckOptions, parts: Parts) {
  const identities = await identitiesOf(options.identity, parts)
  if (newest.length === 0) throw new Fault('not_found', 'open the newest sets: no set of the store is encrypted')
  const sets = await Promise.all(newest.map((manifest) => tryOne(store, manifest, identities)))
  await noteOpened(
    store,
    newest.filter((_, at) => sets[at]?.opened),
    identities,
    parts,
  )
  if (options.json) parts.io.out.write(`${JSON.stringify({ sets }, null, 2)}\n`)
  for (const { BackupId, DBInstanceId, opened, reason } of options.json ? [] : sets) {
    parts.io.out.write(`set ${BackupId} of ${DBInstanceId}: ${opened ? 'opened' : reason}\n`)
  }
  const failed = sets.filter(({ opened }) => !opened)
  if (failed.length === 0) return
  throw new Fault('identity_needed', `open the newest sets: ${failed.length} of ${sets.length} were not opened`, {
    hint: 'Give the file with an identity of the recipients that the lines above name.',
  })
}

async function tryOne(store: Store, manifest: Manifest, identities: readonly Identity[]) {
  const named = { BackupId: manifest.backupId, DBInstanceId: manifest.instance.id }
  try {
    await tryOpen(store, manifest, identities)
    return { ...named, opened: true, reason: '' }
  } catch (error) {
    if (!Fault.is(error, 'identity_needed') && !Fault.is(error, 'store_corrupt')) throw error
    return { ...named, opened: false, reason: error.message }
  }
}

async function checkWhole(
  store: Store,
  setId: string,
  manifests: readonly Manifest[],
  options: CheckOptions,
  parts: Parts,
): Promise<void> {
  const manifest = manifests.find(({ backupId }) => backupId === setId)
  if (!manifest) throw new Fault('not_found', `no encrypted set ${setId} in the store`)
  const identities = await identitiesFor([manifest], options.identity, parts)
  const totalBytes = [...manifest.parts, ...manifest.extras].reduce((sum, { size }) => sum + size, 0)
  const bar = progressBar(parts.io.err, parts.clock)
  const report = await verifySet(store, manifest, {
    identities,
    onProgress: (bytes) => bar.update({ label: 'checking', bytes, totalBytes }),
  })
  bar.end()
  const { ok, objects, bytes, opened, damage } = report
  if (!ok) throw new Fault('verify_failed', `read set ${setId}: ${damage.join('; ')}`)
  if (!opened) throw new Fault('identity_needed', `read set ${setId}: the identity opened not all of it`)
  await noteOpened(store, [manifest], identities, parts)
  if (options.json) parts.io.out.write(`${JSON.stringify({ BackupId: setId, objects, bytes, opened }, null, 2)}\n`)
  else parts.io.out.write(`set ${setId} is right: ${objects} objects, ${formatBytes(bytes)} opened and compared\n`)
}

async function noteOpened(
  store: Store,
  manifests: readonly Manifest[],
  identities: readonly Identity[],
  { clock }: Parts,
): Promise<void> {
  const opened = new Set(manifests.flatMap(({ encryption }) => encryption?.recipients ?? []))
  const shown = identities.map(({ fingerprint }) => fingerprint).filter((fingerprint) => opened.has(fingerprint))
  if (shown.length > 0) await noteProven(store, shown, clock.now())
}
