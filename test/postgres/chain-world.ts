import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { checksums, differences } from '../../quickstart/checksums.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { SetReader } from '../../src/core/set-reader.ts'
import type { BackupRequest, Restored } from '../../src/engine/engine.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { startRestored, type StartedServer } from '../../src/engine/postgres/restore-start.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { plainFacts, setOf } from './base-backup-set.ts'

/** A set of a chain, kept in memory. */
export interface Member extends SetReader {
  readonly tar: Buffer
  readonly serverManifest: Buffer
}

let last = 0

/** A set that our engine takes of a server: of all, or of what changed since `base`. */
export async function takeMember(
  server: Pick<TestServer, 'address'>,
  base?: SetReader,
  more: Partial<BackupRequest> = {},
): Promise<Member> {
  const request: BackupRequest = {
    method: 'Physical',
    checkpoint: 'fast',
    systemIdentifier: undefined,
    maxKeptWalBytes: 2 ** 40,
    keepCorrupt: false,
    title: 'A set of a test',
    base,
    ...more,
  }
  const kept = new Map<string, Buffer>()
  const keep = async (name: string, body: Bytes) => {
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(Buffer.from(chunk))
    kept.set(name, Buffer.concat(chunks))
  }
  const engine = postgresEngine({ clock: systemClock })
  const { postgres } = await engine.backup(server.address, request, { part: keep, extra: keep })
  const [tar = Buffer.alloc(0), serverManifest = Buffer.alloc(0)] = [kept.get('data'), kept.get('backup_manifest')]
  last += 1
  const type = base
    ? ({ type: 'IncrementalBackup', parentId: base.manifest.backupId } as const)
    : ({ type: 'FullBackup' } as const)
  const { manifest } = setOf(tar, postgres ?? plainFacts())
  return memberOf({ ...manifest, ...type, backupId: String(last) }, tar, serverManifest)
}

/** A member with these bytes, which need not be those that were taken. Its pieces end at odd places. */
export const memberOf = (manifest: Manifest, tar: Buffer, serverManifest: Buffer): Member => ({
  manifest,
  tar,
  serverManifest,
  async *read(name): Bytes {
    const bytes = name === 'data' ? tar : serverManifest
    for (let at = 0; at < bytes.length; at += 999_983) yield Buffer.from(bytes.subarray(at, at + 999_983))
  },
})

/** A PostgreSQL that knows what changed, and places to restore to. */
export interface ChainWorld extends AsyncDisposable {
  readonly server: TestServer
  readonly owner: Account | undefined
  readonly directory: string
  restoreTo(name: string, chain: readonly SetReader[]): Promise<Restored>
  /** What differs between the server as it is now and the chain restored and started. */
  compare(chain: readonly SetReader[], use?: (started: StartedServer) => Promise<void>): Promise<string[]>
}

/** A world of the package's PostgreSQL 18, or of another that knows increments. */
export async function openChainWorld(
  initdbArgs: readonly string[] = [],
  programs: { readonly version: 17 | 18; readonly binDirectory?: string } = { version: 18 },
): Promise<ChainWorld> {
  const owner = await databaseAccount()
  const server = await startPostgres({ ...programs, settings: { summarize_wal: 'on' }, initdbArgs })
  const directory = await makeDirectoryFor(owner, 'holdfast-chain-', '/tmp')
  let count = 0
  const restoreTo = (name: string, chain: readonly SetReader[]) =>
    restore({ directory: join(directory, name), ...(owner ? { owner } : {}) }, chain, {
      binDirs: [server.binDirectory],
    })
  return {
    server,
    owner,
    directory,
    restoreTo,
    async compare(chain, use = async () => {}) {
      const name = `compared-${(count += 1)}`
      const restored = await restoreTo(name, chain)
      await using started = await startRestored(restored, owner ? { owner } : {})
      await use(started)
      const { host, port, user, password } = server.address
      const found = differences(
        await checksums({ host, port, user, password, database: 'postgres' }),
        await checksums({
          host: started.address.host,
          port: started.address.port,
          user: 'postgres',
          database: 'postgres',
        }),
      )
      await started.stop()
      await rm(join(directory, name), { recursive: true })
      return found
    },
    [Symbol.asyncDispose]: async () => {
      await rm(directory, { recursive: true, force: true })
      await server[Symbol.asyncDispose]()
    },
  }
}
