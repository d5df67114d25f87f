import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Manifest, PostgresFacts } from '../../src/core/manifest.ts'
import type { SetReader } from '../../src/core/set-reader.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import { formatTarHeader, parseTarHeader, TAR_BLOCK, TAR_END, tarPadding, type TarEntry } from '../../src/lib/tar.ts'
import type { TestServer } from '../lib/postgres.ts'

export interface Member {
  readonly entry: TarEntry
  readonly content: Buffer
}

/** What PostgreSQL's own pg_basebackup takes of a server of 15, as the members of a set in our layout. */
export async function takeMembers(server: TestServer): Promise<Member[]> {
  const directory = await mkdtemp('/tmp/holdfast-basebackup-')
  try {
    const { host, port, user, password } = server.address
    await promisify(execFile)(
      join('/usr/lib/postgresql/15/bin/pg_basebackup'),
      [
        '-Ft',
        '-X',
        'fetch',
        '-c',
        'fast',
        '-D',
        join(directory, 'out'),
        '--no-sync',
        '-h',
        host,
        '-p',
        String(port),
        '-U',
        user,
      ],
      { env: { ...process.env, PGPASSWORD: password ?? '' } },
    )
    const out = join(directory, 'out')
    const members = [fileMember('RESTORE.txt', Buffer.from('how to restore\n'))]
    for (const name of (await readdir(out)).filter((each) => each.endsWith('.tar'))) {
      const prefix = name === 'base.tar' ? 'data' : `tablespaces/${name.replace('.tar', '')}`
      members.push(...membersOf(await readFile(join(out, name))).map((member) => moved(member, prefix)))
    }
    members.push(fileMember('data/backup_manifest', await readFile(join(out, 'backup_manifest'))))
    return members
  } finally {
    await rm(directory, { recursive: true })
  }
}

export const fileMember = (name: string, content: Buffer): Member => ({
  entry: { name, type: 'file', size: content.length, mode: 0o600, uid: 0, gid: 0, mtime: 0, linkName: '' },
  content,
})

export function membersOf(tar: Buffer): Member[] {
  const members: Member[] = []
  let at = 0
  for (;;) {
    const entry = parseTarHeader(tar.subarray(at, at + TAR_BLOCK))
    if (!entry) return members
    at += TAR_BLOCK
    members.push({ entry, content: tar.subarray(at, at + entry.size) })
    at += entry.size + tarPadding(entry.size)
  }
}

const moved = ({ entry, content }: Member, prefix: string): Member => ({
  entry: { ...entry, name: `${prefix}/${entry.name}` },
  content,
})

/** The tar of these members. */
export function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ entry, content }) => [
    formatTarHeader(entry),
    content,
    Buffer.alloc(tarPadding(content.length)),
  ])
  return Buffer.concat([...blocks, TAR_END])
}

/** A set that is only in memory; its tar comes in copied pieces of `chunk` bytes. */
export function setOf(tar: Buffer, facts: PostgresFacts, chunk = 1_000_003): SetReader {
  return {
    manifest: manifestOf(tar.length, facts),
    async *read(part): Bytes {
      if (part !== 'data') throw new Error(`no part ${part}`)
      for (let at = 0; at < tar.length; at += chunk) yield Buffer.from(tar.subarray(at, at + chunk))
    },
  }
}

/** Facts of a server that nothing was asked of. */
export const plainFacts = (change: Partial<PostgresFacts> = {}): PostgresFacts => ({
  systemIdentifier: '1',
  timeline: 1,
  startLsn: '0/0',
  endLsn: '0/0',
  serverVersion: 150_000,
  serverVersionText: '15.0',
  architecture: '',
  blockSize: 8192,
  walSegmentSize: 16_777_216,
  dataChecksums: false,
  pageChecksums: 'not available',
  badPages: [],
  collations: [],
  extensions: [],
  preloadLibraries: [],
  settings: {},
  hbaRules: [],
  identRules: [],
  configInDataDirectory: true,
  dataDirectoryMode: '0700',
  tablespaces: [],
  fromReplica: false,
  ...change,
})

const manifestOf = (plainSize: number, postgres: PostgresFacts): Manifest => ({
  format: 'holdfast-set',
  version: 1,
  backupId: '1',
  taskId: '1',
  attempt: 1,
  instance: { id: 'pg-1', engine: 'postgres', engineVersion: '15.0', description: '' },
  node: { id: '1', role: postgres.fromReplica ? 'replica' : 'primary' },
  type: 'FullBackup',
  mode: 'Manual',
  method: 'Physical',
  startedAt: 0,
  endedAt: 0,
  consistentAt: 0,
  available: true,
  warnings: [],
  parts: [{ name: 'data', key: 'k', size: 0, sha256: '0'.repeat(64), encoding: 'zstd', plainSize, frames: 1 }],
  extras: [],
  postgres,
})
