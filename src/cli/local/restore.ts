import { resolve } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { Manifest } from '../../core/manifest.ts'
import { setOfManifest } from '../../core/set-of-manifest.ts'
import { isoSeconds } from '../../lib/time.ts'
import { listManifests } from '../../set/list.ts'
import { openSet } from '../../set/read.ts'
import type { FoundSet } from '../../set/set.ts'
import type { Parts } from '../parts.ts'
import { progressBar } from '../progress.ts'
import { printStart } from '../restored.ts'
import { formatTable } from '../table.ts'
import { formatBytes, formatTime } from '../units.ts'
import { identitiesFor } from './identity.ts'
import { ownerOf } from './owner.ts'
import { restoreLocalInto, type IntoOptions } from './restore-into.ts'

export interface LocalRestoreOptions extends Omit<IntoOptions, 'into'> {
  readonly into?: string
  readonly store: string
  readonly to?: string
  readonly list?: boolean
  readonly binDir: readonly string[]
  /** False with `--no-owner`, which is for `--into`. */
  readonly owner?: string | boolean
  readonly keepSideEffects?: boolean
  /** File with an identity that opens an encrypted set. */
  readonly identity?: string
  readonly json?: boolean | undefined
  readonly utc?: boolean | undefined
}

/** Restores a set straight from a store, with no service and no catalog: for the day when nothing else is left. */
export async function restoreLocal(
  setId: string | undefined,
  options: LocalRestoreOptions,
  parts: Parts,
): Promise<void> {
  const store = await parts.openStore(options.store, { create: false })
  const found = await Array.fromAsync(listManifests(store))
  if (options.list) return printFound(found, options, parts)
  const { into, to } = options
  if (setId === undefined || (to === undefined) === (into === undefined)) {
    throw new Fault('invalid', 'restore: name a set and one of --to DIR and --into URL', {
      hint: '--list shows the sets of the store.',
    })
  }
  const chain = chainOf(setId, found)
  const identities = await identitiesFor(chain, options.identity, parts)
  if (into !== undefined) return restoreLocalInto(store, chain[0], { ...options, into }, identities, parts)
  const [full] = chain
  const engine = await parts.openEngine(full.instance.engine, parts.log('warn', 'cli'))
  const bar = progressBar(parts.io.err, parts.clock)
  const restored = await engine.restore(
    {
      directory: resolve(to ?? ''),
      owner: typeof options.owner === 'string' ? await ownerOf(options.owner) : undefined,
    },
    chain.map((manifest) => openSet(store, manifest, identities)),
    {
      binDirs: options.binDir.map((directory) => resolve(directory)),
      keepSideEffects: options.keepSideEffects ?? false,
    },
    { onProgress: ({ phase, bytes, totalBytes }) => bar.update({ label: phase, bytes, totalBytes }) },
  )
  bar.end()
  if (options.json) parts.io.out.write(`${JSON.stringify({ BackupId: setId, ...restored }, null, 2)}\n`)
  else printStart(setId, restored, parts)
}

/** The set and all it needs, oldest first. Fault 'not_found' for a set that is not there, 'store_corrupt' for one that cannot be read. */
function chainOf(setId: string, found: readonly FoundSet[]): readonly [Manifest, ...Manifest[]] {
  const last = manifestOf(setId, found)
  const chain: [Manifest, ...Manifest[]] = [last]
  while (chain[0].parentId !== undefined) {
    const { parentId } = chain[0]
    if (chain.some(({ backupId }) => backupId === parentId))
      throw new Fault('store_corrupt', `set ${parentId} adds to itself`)
    chain.unshift(parentOf(parentId, setId, found))
  }
  return chain
}

function parentOf(parentId: string, setId: string, found: readonly FoundSet[]): Manifest {
  try {
    return manifestOf(parentId, found)
  } catch (cause) {
    if (!Fault.is(cause)) throw cause
    throw new Fault('store_corrupt', `restore set ${setId}: it needs set ${parentId}: ${cause.message}`, {
      hint: 'Restore a set that does not need it: a full set needs no other.',
      cause,
    })
  }
}

function manifestOf(setId: string, found: readonly FoundSet[]): Manifest {
  const one = found.find(({ key, manifest }) => manifest?.backupId === setId || key.split('/')[2] === setId)
  if (one?.manifest) return one.manifest
  if (one?.fault) throw one.fault
  throw new Fault('not_found', `no set ${setId} in the store`, { hint: '--list shows the sets of the store.' })
}

function printFound(found: readonly FoundSet[], options: LocalRestoreOptions, { io }: Parts): void {
  const sets = found.flatMap(({ key, manifest }) => {
    const stored = manifest?.parts.reduce((sum, part) => sum + part.size, 0) ?? 0
    return manifest ? [setOfManifest(manifest, key, { size: stored, checksum: () => undefined })] : []
  })
  for (const { fault } of found) if (fault) io.err.write(`warning: ${fault.message}\n`)
  if (options.json) {
    io.out.write(`${JSON.stringify(sets, null, 2)}\n`)
    return
  }
  io.out.write(
    formatTable(
      [
        { title: 'SET', value: (set) => set.id },
        { title: 'INSTANCE', value: (set) => set.instanceId },
        { title: 'STARTED', value: (set) => formatTime(isoSeconds(set.startedAt), options) },
        { title: 'SIZE', value: (set) => formatBytes(set.size), right: true },
        { title: 'ENGINE', value: (set) => `${set.engine} ${set.engineVersion}` },
        { title: 'TYPE', value: (set) => `${set.method} ${set.type.replace('Backup', '')}`.toLowerCase() },
      ],
      sets.toSorted((a, b) => b.startedAt - a.startedAt),
    ),
  )
}
