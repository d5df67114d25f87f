import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import type { BackupRequest, EngineProgress, Point } from '../../src/engine/engine.ts'
import { openEngine } from '../../src/engine/open.ts'
import { startRestored, type StartedServer } from '../../src/engine/postgres/restore-start.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { TestServer } from '../lib/postgres.ts'
import { plainFacts, setOf } from './base-backup-set.ts'

const REQUEST: BackupRequest = {
  method: 'Physical',
  checkpoint: 'fast',
  systemIdentifier: undefined,
  maxKeptWalBytes: 2 ** 40,
  keepCorrupt: false,
  title: 'A set of a test',
}

export interface TakeOptions {
  readonly request?: Partial<BackupRequest>
  /** Called with the bytes that came so far before each piece of the part is asked for. */
  readonly between?: (bytes: number) => Promise<void> | void
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

export interface TakenBackup {
  readonly point: Point
  readonly tar: Buffer
  readonly manifest: string
  readonly progress: readonly EngineProgress[]
}

/** A backup that our engine takes, kept in memory. */
export async function takeBackup(address: NodeAddress, options: TakeOptions = {}): Promise<TakenBackup> {
  const kept = new Map<string, Buffer>()
  const progress: EngineProgress[] = []
  const keep = async (name: string, body: AsyncIterable<Uint8Array>) => {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (name === 'data') await options.between?.(bytes)
    }
    kept.set(name, Buffer.concat(chunks))
  }
  const engine = openEngine('postgres', { clock: options.clock ?? systemClock, log: silentLog })
  const point = await engine.backup(
    address,
    { ...REQUEST, ...options.request },
    { part: keep, extra: keep },
    { signal: options.signal, onProgress: (one) => progress.push(one) },
  )
  const [tar = Buffer.alloc(0), manifest = Buffer.alloc(0)] = [kept.get('data'), kept.get('backup_manifest')]
  return { point, tar, manifest: manifest.toString(), progress }
}

/** A server started from a backup of `source`. Disposing it removes every byte. */
export async function bringBack(source: TestServer, { tar, point }: TakenBackup): Promise<StartedServer> {
  const owner = await databaseAccount()
  const directory = await makeDirectoryFor(owner, 'holdfast-back-', '/tmp')
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const engine = openEngine('postgres', { clock: systemClock, log: silentLog })
    const target = { directory: join(directory, 'restored'), ...(owner ? { owner } : {}) }
    const set = setOf(tar, point.postgres ?? plainFacts())
    const restored = await engine.restore(target, [set], { binDirs: [source.binDirectory] })
    const started = await startRestored(restored, owner ? { owner } : {})
    const end = async () => {
      await started[Symbol.asyncDispose]()
      await remove()
    }
    return { ...started, [Symbol.asyncDispose]: end }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A clock on which everything waits a fiftieth of its time. */
export const quickClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) }

/** Names of replication slots and senders that a server has now. */
export const holdsOf = (server: TestServer): Promise<unknown[]> =>
  server.query(
    `select slot_name::text as name from pg_replication_slots where temporary
     union all select application_name from pg_stat_replication`,
  )
