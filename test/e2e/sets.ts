import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { checksums, differences } from '../../quickstart/checksums.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import type { Restored } from '../../src/engine/engine.ts'
import { startRestored, type StartedServer } from '../../src/engine/postgres/restore-start.ts'
import type { TestServer } from '../lib/postgres.ts'
import type { E2eService } from './service.ts'

/** A set as DescribeBackups shows it. */
export interface ListedSet {
  readonly BackupId: string
  readonly BackupDownloadURL: string
  readonly BackupStatus: string
  readonly BackupSize: number
  readonly HostInstanceID: string
  readonly DownloadLink: string | null
  readonly IsAvail: number
  readonly FailReason: string
  readonly EngineVersion: string
}

export interface RegisteredNode {
  readonly HostInstanceID: string
  readonly Role: 'Master' | 'Slave'
  readonly Port: number
}

/** Registers servers, which all let the first one's user in with its password, as an instance. Gives its nodes. */
export async function register(
  service: E2eService,
  id: string,
  servers: readonly { readonly address: NodeAddress }[],
  options: readonly string[] = [],
): Promise<RegisteredNode[]> {
  const { user, password = '' } = servers[0]?.address ?? { user: '' }
  const file = join(service.restoreRoot, '..', 'password')
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  const nodes = servers.flatMap(({ address }) => ['--node', `${address.host}:${address.port}`])
  const argv = ['instances', 'add', id, ...nodes, '--user', user, '--password-file', file, ...options]
  const reply = await service.json<{ Nodes: { Node: RegisteredNode[] } }>(...argv)
  await rm(file)
  return reply.Nodes.Node
}

/** Takes a backup by the command, and finds it in the list. */
export async function take(service: E2eService, id: string): Promise<ListedSet> {
  const taken = await service.json<ListedSet>('backups', 'take', id)
  const listed = await service.json<ListedSet[]>('backups', 'list', id)
  assert.equal(listed[0]?.BackupId, taken.BackupId)
  assert.equal(listed[0].BackupStatus, 'Success')
  return listed[0]
}

/** The manifest of a set as it lies in the service's store. */
export async function manifestOf(service: E2eService, { BackupId }: ListedSet): Promise<Manifest> {
  const store = service.storeDirectory
  const names = await readdir(store, { recursive: true })
  for (const name of names.filter((each) => each.endsWith('manifest.json'))) {
    const manifest = JSON.parse(await readFile(join(store, name), 'utf8')) as Manifest
    if (manifest.backupId === BackupId) return manifest
  }
  throw new Error(`no manifest of set ${BackupId}`)
}

/** Downloads a set by its link, and holds it against its size in the list and the checksum in its manifest. */
export async function download(service: E2eService, set: ListedSet): Promise<void> {
  const file = join(service.restoreRoot, '..', `${set.BackupId}.tar.zst`)
  await service.json('backups', 'download', set.BackupId, '--output', file)
  const hash = createHash('sha256')
  let size = 0
  await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk)
      size += chunk.length
    }
  })
  assert.equal(size, set.BackupSize)
  const manifest = await manifestOf(service, set)
  assert.deepEqual(
    manifest.parts.map(({ sha256 }) => sha256),
    [hash.digest('hex')],
  )
  await rm(file)
}

/** Restores a set through the service. The directory is named as the set. */
export async function restore(service: E2eService, set: ListedSet): Promise<Restored> {
  const to = join(service.restoreRoot, set.BackupId)
  const restored = await service.json<Omit<Restored, 'superuser'>>('backups', 'restore', set.BackupId, '--to', to)
  return { ...restored, superuser: 'postgres' }
}

/** Restores a set, starts it, and lets `use` look at it. Afterwards it is gone. */
export async function withRestored(
  service: E2eService,
  set: ListedSet,
  use: (started: StartedServer, restored: Restored) => Promise<void>,
): Promise<void> {
  const restored = await restore(service, set)
  {
    await using started = await startRestored(restored, { owner: service.owner })
    await use(started, restored)
  }
  await rm(join(service.restoreRoot, set.BackupId), { recursive: true })
}

/** What differs between a server that stands still and a restored one, over all databases. */
export async function compare(source: TestServer, { address }: StartedServer): Promise<string[]> {
  const { host, port, user, password } = source.address
  return differences(
    await checksums({ host, port, user, password, database: 'postgres' }),
    await checksums({ host: address.host, port: address.port, user: address.user, database: 'postgres' }),
  )
}

/** The whole way of a set: taken, listed, downloaded by its link, verified, restored, started, every table compared. */
export async function proveRoundTrip(
  service: E2eService,
  id: string,
  source: TestServer,
  use: (started: StartedServer, restored: Restored) => Promise<void> = async () => {},
): Promise<ListedSet> {
  const set = await take(service, id)
  assert.equal(set.IsAvail, 1)
  await download(service, set)
  await service.json('backups', 'verify', set.BackupId)
  await withRestored(service, set, async (started, restored) => {
    assert.deepEqual(await compare(source, started), [])
    await use(started, restored)
  })
  return set
}
