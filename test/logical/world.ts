import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checksums, differences, type Checksum } from '../../quickstart/checksums.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { BackupRequest, IntoRequest, Point, RestoredInto } from '../../src/engine/engine.ts'
import type { SetReader } from '../../src/core/set-reader.ts'
import type { Piece } from '../../src/core/task.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openSet } from '../../src/set/read.ts'
import { beginSet } from '../../src/set/write.ts'
import type { Store } from '../../src/store/store.ts'
import type { TestServer } from '../lib/postgres.ts'
import { emptyStore, manifestOf, PLACE } from '../lib/set.ts'

const engine = postgresEngine({ clock: systemClock })

export interface TakenSet {
  readonly store: Store
  readonly manifest: Manifest
  readonly point: Point
}

const REQUEST: BackupRequest = {
  method: 'Logical',
  checkpoint: 'fast',
  systemIdentifier: undefined,
  maxKeptWalBytes: 2 ** 40,
  keepCorrupt: false,
  title: 'A set of a test',
}

/** A logical set that our engine takes into a store in memory. */
export async function takeLogical(
  address: NodeAddress,
  request: Partial<BackupRequest> = {},
  store: Store = emptyStore(),
  signal?: AbortSignal,
): Promise<TakenSet> {
  const writer = beginSet(store, PLACE, { level: 1 })
  const point = await engine.backup(address, { ...REQUEST, ...request }, writer, { signal })
  if (!point.logical) throw new Error('a logical backup without its facts')
  const manifest: Manifest = {
    ...manifestOf(PLACE, writer, 'Logical'),
    warnings: [...point.warnings],
    logical: point.logical,
  }
  await writer.commit(manifest)
  return { store, manifest, point }
}

interface Bringing extends Partial<IntoRequest> {
  readonly signal?: AbortSignal
  /** Makes another text of each dump, of the same length. */
  readonly change?: (dump: string) => string
}

/** Restores a set, or pieces of it, into a running server. */
export function bringInto(
  address: NodeAddress,
  { store, manifest }: TakenSet,
  pieces?: readonly Piece[],
  { signal, change, ...request }: Bringing = {},
): Promise<RestoredInto> {
  const set = openSet(store, manifest)
  const all = { pieces, owners: true, tablespaces: true, ...request }
  return engine.restoreInto(address, change ? changed(set, change) : set, all, { signal })
}

/** The set with another text of each part, of the same length. */
export const changed = (set: SetReader, change: (dump: string) => string): SetReader => ({
  manifest: set.manifest,
  async *read(part, range, options) {
    const bytes = Buffer.concat(await Array.fromAsync(set.read(part, range, options)))
    yield Buffer.from(change(bytes.toString('latin1')), 'latin1')
  },
})

/** What every table, sequence and large object of a server holds. */
export const sumsOf = ({ address }: Pick<TestServer, 'address'>): Promise<Checksum[]> => {
  const { host, port, user, password } = address
  return checksums({ host, port, user, password, database: 'postgres' })
}

/** What differs between two servers, over all their databases. */
export async function compareServers(source: TestServer, target: TestServer): Promise<string[]> {
  return differences(await sumsOf(source), await sumsOf(target))
}

/** Names of all databases of a server but its templates. */
export async function databasesOf(server: TestServer): Promise<string[]> {
  const rows = await server.query<{ name: string }>(
    'select datname::text as name from pg_database where not datistemplate order by 1',
  )
  return rows.map(({ name }) => name)
}

/** A directory with programs of these names that run a shell script. */
export async function pretendedTool(
  names: string | readonly string[],
  script: string,
): Promise<AsyncDisposable & { directory: string }> {
  const directory = await mkdtemp(`/tmp/holdfast-tool-${randomBytes(2).toString('hex')}-`)
  for (const name of [names].flat()) {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
