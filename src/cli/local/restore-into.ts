import { resolve } from 'node:path'
import type { Manifest } from '../../core/manifest.ts'
import type { Identity } from '../../lib/age.ts'
import { openSet } from '../../set/read.ts'
import type { Store } from '../../store/store.ts'
import type { Parts } from '../parts.ts'
import { pieceOf, printInto, type PieceOptions } from '../pieces.ts'
import { progressBar } from '../progress.ts'
import { serverAddress, type LoginOfServer } from '../server-address.ts'

export interface IntoOptions extends PieceOptions, LoginOfServer {
  readonly into: string
  readonly binDir: readonly string[]
  /** False with `--no-owner`. */
  readonly owner?: string | boolean
  /** False with `--no-tablespaces`. */
  readonly tablespaces: boolean
  readonly json?: boolean | undefined
}

/** Restores a logical set from a store into a running server, with no service and no catalog. */
export async function restoreLocalInto(
  store: Store,
  manifest: Manifest,
  options: IntoOptions,
  identities: readonly Identity[],
  parts: Parts,
): Promise<void> {
  const piece = pieceOf(options)
  const address = await serverAddress(options.into, options, parts)
  const engine = await parts.openEngine(manifest.instance.engine, parts.log('warn', 'cli'))
  const bar = progressBar(parts.io.err, parts.clock)
  const restored = await engine.restoreInto(
    address,
    openSet(store, manifest, identities),
    {
      pieces: piece && [piece],
      owners: options.owner !== false,
      tablespaces: options.tablespaces,
      binDirs: options.binDir.map((directory) => resolve(directory)),
    },
    { onProgress: ({ phase, bytes, totalBytes }) => bar.update({ label: phase, bytes, totalBytes }) },
  )
  bar.end()
  if (options.json) parts.io.out.write(`${JSON.stringify({ BackupId: manifest.backupId, ...restored }, null, 2)}\n`)
  else printInto(manifest.backupId, restored, parts)
}
