import { chmodSync, chownSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { crc32c } from '../../lib/crc32c.ts'
import type { Bytes, Options } from '../../lib/streams.ts'
import type { TarEntry } from '../../lib/tar.ts'
import { createFileWriter } from './extract-files.ts'
import { readMembers, type MemberTaker } from './extract-members.ts'
import { plainMember, serverPath } from './extract-paths.ts'
import { targetFault } from './restore-fault.ts'

/** Files without which no PostgreSQL starts. They are written under another name until everything else is durable. */
export const HELD: readonly string[] = ['data/global/pg_control', 'data/PG_VERSION']
export const HELD_SUFFIX = '.holdfast-held'

export interface ExtractPlace {
  /** An existing, empty directory. */
  readonly directory: string
  readonly directoryMode: 0o700 | 0o750
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

export interface ExtractOptions extends Options {
  /** Called for each file of the server with its path there (a byte string), length and CRC-32C. */
  readonly onFile: (path: string, size: number, crc: number) => void
  readonly onBytes?: ((bytes: number) => void) | undefined
}

export interface Extracted {
  readonly files: number
  readonly bytes: number
}

/**
 * Writes the members of a set's tar, whose chunks it releases, below a directory and resolves when every file and directory is durable.
 * Refuses, with Fault 'store_corrupt', members that reach elsewhere, links and duplicates. Memory
 * stays flat. When it rejects, nothing is being written any more.
 */
export async function extract(tar: Bytes, place: ExtractPlace, options: ExtractOptions): Promise<Extracted> {
  const files = createFileWriter({ fileMode: place.directoryMode === 0o750 ? 0o640 : 0o600, owner: place.owner })
  const directories = createDirectories(place)
  const taker = createTaker(place, options, files, directories)
  try {
    await readMembers(tar, taker)
    await files.drain()
  } finally {
    await files.settle()
  }
  directories.sync()
  return taker.count()
}

function createTaker(
  place: ExtractPlace,
  options: ExtractOptions,
  files: ReturnType<typeof createFileWriter>,
  directories: ReturnType<typeof createDirectories>,
): MemberTaker & { count(): { files: number; bytes: number } } {
  let entry: TarEntry | undefined
  let crc = 0
  let counted = 0
  let bytes = 0
  return {
    member(found) {
      options.signal?.throwIfAborted()
      const next = plainMember(found)
      entry = next
      crc = 0
      if (next.type === 'directory') return directories.make(next.name)
      directories.makeParent(next.name)
      const name = HELD.includes(next.name) ? `${next.name}${HELD_SUFFIX}` : next.name
      return files.begin(absolute(place.directory, name), next.size)
    },
    data(slice) {
      crc = crc32c(slice, crc)
      bytes += slice.length
      options.onBytes?.(bytes)
      return files.write(slice)
    },
    end() {
      if (entry?.type !== 'file') return undefined
      files.end()
      counted += 1
      const path = serverPath(entry.name)
      if (path !== undefined) options.onFile(path, entry.size, crc)
      return undefined
    },
    finish: (chunk) => files.finish(chunk),
    count: () => ({ files: counted, bytes }),
  }
}

/** Makes directories, each once; those that only a file below them asks for may still get a member of their own. */
function createDirectories(place: ExtractPlace) {
  const made = new Map<string, 'asked' | 'implied'>()

  const create = (name: string) => {
    const path = absolute(place.directory, name)
    try {
      mkdirSync(path, place.directoryMode)
      chmodSync(path, place.directoryMode)
      if (place.owner) chownSync(path, place.owner.uid, place.owner.gid)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw targetFault(error, `make ${path.toString()}`)
      throw new Fault('store_corrupt', `read the set: it holds ${path.toString()} twice`, { cause: error })
    }
  }
  const makeParent = (name: string) => {
    const cut = name.lastIndexOf('/')
    if (cut === -1 || made.has(name.slice(0, cut))) return
    const parent = name.slice(0, cut)
    makeParent(parent)
    create(parent)
    made.set(parent, 'implied')
  }

  return {
    makeParent,
    make(name: string): undefined {
      const before = made.get(name)
      if (before === 'asked') throw new Fault('store_corrupt', `read the set: it holds directory ${name} twice`)
      makeParent(name)
      if (before === undefined) create(name)
      made.set(name, 'asked')
      return undefined
    },
    sync(): void {
      for (const name of [...made.keys(), '.']) syncNow(absolute(place.directory, name))
    },
  }
}

/** A directory's names are durable once it was synced. */
function syncNow(path: Buffer): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } catch (error) {
    throw targetFault(error, `sync ${path.toString()}`)
  } finally {
    closeSync(fd)
  }
}

/** A path as the system takes it: `name` is a byte string, one character per byte. */
export const absolute = (directory: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')])
