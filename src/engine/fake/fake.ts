import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { NodeRole } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Bytes } from '../../lib/streams.ts'
import type { Engine, EngineOptions, Facts, PartSink } from '../engine.ts'

/** One pretended server, found under the `host` of an address. */
export interface FakeServer {
  readonly role: NodeRole
  readonly systemIdentifier: string
  /** What a backup of it holds. */
  readonly content: Uint8Array
  readonly position?: bigint
  /** Thrown by probes. */
  readonly unreachable?: boolean
  /** Whether it can be added to; when not, why. Absent: sets of it are kept without what an increment needs. */
  readonly increments?: 'taken' | { readonly refused: string }
}

export interface FakeEngineOptions {
  readonly clock: Clock
  readonly servers: Readonly<Record<string, FakeServer>>
  /** Called before each chunk of a backup, with how many bytes went before: a test waits or throws there. */
  readonly beforeChunk?: (bytes: number, host: string) => Promise<void>
}

const CHUNK = 64 * 1024

/** An engine without a database: it backs up bytes it was given, and restores them into a file. For tests. */
export function fakeEngine({ clock, servers, beforeChunk }: FakeEngineOptions): Engine {
  const serverOf = (host: string): FakeServer => {
    const server = servers[host]
    if (!server || server.unreachable) throw new Fault('instance_unreachable', `connect to ${host}`)
    return server
  }

  async function* contentOf(host: string, options: EngineOptions): Bytes {
    const { content } = serverOf(host)
    for (let at = 0; at < content.length; at += CHUNK) {
      await beforeChunk?.(at, host)
      options.signal?.throwIfAborted()
      yield content.subarray(at, at + CHUNK)
      options.onProgress?.({
        phase: 'streaming',
        bytes: Math.min(content.length, at + CHUNK),
        totalBytes: content.length,
      })
    }
  }

  return {
    kind: 'postgres',
    can: () => ({ incremental: false, pointInTime: false, logical: false, physical: true, singleDatabase: false }),
    watchLoad: () => ({ latest: () => ({}), [Symbol.asyncDispose]: async () => {} }),
    probe: async ({ host }) => factsOf(serverOf(host)),

    async backup({ host }, request, sink: PartSink, options = {}) {
      const server = serverOf(host)
      if (request.systemIdentifier !== undefined && request.systemIdentifier !== server.systemIdentifier) {
        throw new Fault('instance_unready', `back up ${host}: it is another database`)
      }
      const { increments } = server
      if (request.base && typeof increments === 'object') throw new Fault('increment_refused', increments.refused)
      await sink.part('data', contentOf(host, options))
      if (increments !== undefined) await sink.extra('backup_manifest', contentOf(host, options))
      return { consistentAt: clock.now(), available: true, warnings: [] }
    },

    drill: pretendedDrill,
    clear: (directory) => rm(directory, { recursive: true, force: true }),
    start: pretendedStart,

    async restoreInto() {
      throw new Fault('unsupported', 'restore into a running server: the sets are not logical')
    },

    async restore({ directory }, [set], _request, options = {}) {
      if (!set) throw new Fault('invalid', 'restore: an empty chain')
      await mkdir(directory, { recursive: true })
      const content = Buffer.concat(await Array.fromAsync(set.read('data', undefined, options)))
      await writeFile(join(directory, 'content'), content)
      options.onProgress?.({ phase: 'writing', bytes: content.length, totalBytes: content.length })
      return {
        dataDirectory: directory,
        startCommand: ['true', directory],
        port: 1,
        socketDirectory: directory,
        superuser: 'postgres',
        files: 1,
        bytes: content.length,
        warnings: [],
      }
    },
  }
}

/** Passes unless a set says that it is rotten. */
const pretendedDrill: Engine['drill'] = async ({ directory }, [set], _request, options = {}) => {
  if (!set) throw new Fault('invalid', 'drill: an empty chain')
  const seconds = { restore: 0, start: 0, check: 0 }
  const report = { seconds, databases: [], pageChecksums: 'not available', pages: 0, warnings: [] } as const
  try {
    await mkdir(directory, { recursive: true })
    const content = Buffer.concat(await Array.fromAsync(set.read('data', undefined, options)))
    const problems = content.includes('rotten') ? ['orders in database shop: a rotten row'] : []
    return { ...report, started: true, bytes: content.length, problems }
  } catch (error) {
    if (!Fault.is(error, 'store_corrupt')) throw error
    return { ...report, started: false, bytes: 0, problems: [error.message] }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A server runs where a file says so. */
const pretendedStart: Engine['start'] = async ({ dataDirectory }) => {
  const content = await readFile(join(dataDirectory, 'content'))
  if (content.includes('rotten')) throw new Fault('engine_failed', 'start the restored server: rotten')
  const file = join(dataDirectory, 'running')
  const ran = await access(file).then(
    () => true,
    () => false,
  )
  await writeFile(file, '')
  return { started: !ran, warnings: [] }
}

const factsOf = (server: FakeServer): Facts => ({
  engine: 'postgres',
  engineVersion: '15.0',
  versionText: '15.0 (pretended)',
  role: server.role,
  systemIdentifier: server.systemIdentifier,
  position: server.position ?? 0n,
  lag: server.role === 'replica' ? { bytes: undefined, seconds: 0, receiving: true } : undefined,
  size: server.content.length,
  databases: ['postgres'],
  problems: [],
})
