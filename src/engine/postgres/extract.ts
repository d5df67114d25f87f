import { crc32c } from '../../lib/crc32c.ts'
import type { Bytes, Options } from '../../lib/streams.ts'
import type { TarEntry } from '../../lib/tar.ts'
import { createDirectories, type Directories } from './extract-directories.ts'
import { createFileWriter } from './extract-files.ts'
import { readMembers, type MemberTaker } from './extract-members.ts'
import { absolute, plainMember, serverPath } from './extract-paths.ts'

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
  /** Whether a file is passed over, since a later member of a chain has its own. `name` is that of the member. */
  readonly isSkipped?: ((name: string) => boolean) | undefined
  /** Whether all is durable at the end; else `syncTree` makes it so after the last set of the chain. */
  readonly durable: boolean
}

export interface Extracted {
  readonly files: number
  readonly bytes: number
}

/**
 * Writes the members of a set's tar, whose chunks it releases, below a directory and resolves when every file and directory is written, and durable if asked for.
 * Refuses, with Fault 'store_corrupt', members that reach elsewhere, links and duplicates. Memory
 * stays flat. When it rejects, nothing is being written any more.
 */
export async function extract(tar: Bytes, place: ExtractPlace, options: ExtractOptions): Promise<Extracted> {
  const { durable } = options
  const files = createFileWriter({ fileMode: fileModeOf(place), owner: place.owner, durable })
  const directories = createDirectories(place)
  const taker = createTaker(place, options, files, directories)
  try {
    await readMembers(tar, taker)
    await files.drain()
  } finally {
    await files.settle()
  }
  if (durable) directories.sync()
  return taker.count()
}

export const fileModeOf = ({ directoryMode }: ExtractPlace): number => (directoryMode === 0o750 ? 0o640 : 0o600)

function createTaker(
  place: ExtractPlace,
  options: ExtractOptions,
  files: ReturnType<typeof createFileWriter>,
  directories: Directories,
): MemberTaker & { count(): { files: number; bytes: number } } {
  let entry: TarEntry | undefined
  let skipped = false
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
      skipped = options.isSkipped?.(next.name) ?? false
      if (skipped) return undefined
      const name = HELD.includes(next.name) ? `${next.name}${HELD_SUFFIX}` : next.name
      return files.begin(absolute(place.directory, name), next.size)
    },
    data(slice) {
      crc = crc32c(slice, crc)
      bytes += slice.length
      options.onBytes?.(bytes)
      return skipped ? undefined : files.write(slice)
    },
    end() {
      if (entry?.type !== 'file' || skipped) return undefined
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
