import { Fault } from '../../core/fault.ts'
import { crc32c } from '../../lib/crc32c.ts'
import { formatTarHeader, parseTarHeader, TAR_BLOCK, tarPadding, type TarEntry } from '../../lib/tar.ts'
import type { FileList } from './file-list.ts'
import { isListed } from './backup-manifest.ts'

/** What is learned of the members while they pass. */
export interface Seen {
  readonly files: FileList
  /** Size of each WAL segment, and of whatever else lies below pg_wal. */
  readonly segments: Map<string, number>
  /** Bytes of content so far. */
  bytes: number
}

/** Passes one of the server's tars on as a piece of ours. */
export interface MemberStream {
  /** Our bytes for these of the server's: slices of the chunk, and headers of our own. */
  feed(chunk: Buffer): Uint8Array[]
  /** Fault 'engine_failed' when the tar ended in the middle of a member. */
  end(): void
}

/** Where in the server's tar the stream stands: collecting a header, inside content, inside padding, or past the end. */
interface Place {
  /** `data` or `tablespaces/<oid>`: what members are put below in the set. */
  readonly below: string
  /** What the server's manifest puts before the names of this tar. */
  readonly listedBelow: string
  readonly header: Buffer
  readonly seen: Seen
  collected: number
  entry: TarEntry | undefined
  content: number
  padding: number
  crc: number
  ended: boolean
}

/**
 * Puts every member of the server's tar of a tablespace (undefined: of the main data directory) below its place in the set,
 * drops the blocks that end an archive, and notes length and CRC-32C of each file.
 */
export function createMemberStream(oid: string | undefined, seen: Seen): MemberStream {
  const place: Place = {
    below: oid === undefined ? 'data' : `tablespaces/${oid}`,
    listedBelow: oid === undefined ? '' : `pg_tblspc/${oid}/`,
    header: Buffer.alloc(TAR_BLOCK),
    seen,
    collected: 0,
    entry: undefined,
    content: 0,
    padding: 0,
    crc: 0,
    ended: false,
  }
  return {
    feed(chunk) {
      const out: Uint8Array[] = []
      let at = 0
      while (at < chunk.length && !place.ended) {
        if (place.content > 0) at = takeContent(place, chunk, at, out)
        else if (place.padding > 0) at = takePadding(place, chunk, at, out)
        else at = takeHeader(place, chunk, at, out)
      }
      return out
    },
    end() {
      if (place.collected > 0 || place.content > 0 || place.padding > 0) {
        throw new Fault('engine_failed', 'take a base backup: a tar of the server ends in the middle of a member')
      }
    },
  }
}

function takeHeader(place: Place, chunk: Buffer, at: number, out: Uint8Array[]): number {
  const end = Math.min(chunk.length, at + TAR_BLOCK - place.collected)
  place.collected += chunk.copy(place.header, place.collected, at, end)
  if (place.collected < TAR_BLOCK) return end
  place.collected = 0
  const entry = readHeader(place.header)
  if (entry === undefined) {
    place.ended = true
    return end
  }
  place.entry = entry
  place.content = entry.size
  place.padding = tarPadding(entry.size)
  place.crc = 0
  out.push(formatTarHeader({ ...entry, name: `${place.below}/${entry.name.replace(/^\.\//, '')}` }))
  if (entry.size === 0) finishMember(place)
  return end
}

function takeContent(place: Place, chunk: Buffer, at: number, out: Uint8Array[]): number {
  const slice = chunk.subarray(at, at + place.content)
  place.crc = crc32c(slice, place.crc)
  place.content -= slice.length
  place.seen.bytes += slice.length
  out.push(slice)
  if (place.content === 0) finishMember(place)
  return at + slice.length
}

function takePadding(place: Place, chunk: Buffer, at: number, out: Uint8Array[]): number {
  const slice = chunk.subarray(at, at + place.padding)
  place.padding -= slice.length
  out.push(slice)
  return at + slice.length
}

function finishMember({ entry, listedBelow, seen, crc }: Place): void {
  if (entry?.type !== 'file') return
  const path = listedBelow + entry.name
  if (isListed(path)) seen.files.add(path, entry.size, crc)
  else if (path.startsWith('pg_wal/')) seen.segments.set(path.slice('pg_wal/'.length), entry.size)
}

function readHeader(header: Buffer): TarEntry | undefined {
  try {
    return parseTarHeader(header)
  } catch (cause) {
    throw new Fault('engine_failed', 'take a base backup: the server sent a malformed tar', { cause })
  }
}

/** A member of our own making: header, content and padding. */
export function* formatMember(name: string, content: Buffer, mtime: number): Generator<Buffer> {
  yield memberHeader(name, content.length, mtime)
  yield content
  yield Buffer.alloc(tarPadding(content.length))
}

/** The header of a plain file of ours: mode 0600, owned by nobody in particular. */
export const memberHeader = (name: string, size: number, mtime: number): Buffer =>
  formatTarHeader({ name, type: 'file', size, mode: 0o600, uid: 0, gid: 0, mtime, linkName: '' })
