import { lstatSync, rmSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { crc32c, replacedCrc, zerosAfter, type ReplacedCrc } from '../../lib/crc32c.ts'
import type { Bytes } from '../../lib/streams.ts'
import type { TarEntry } from '../../lib/tar.ts'
import { fileModeOf, HELD, HELD_SUFFIX, type ExtractOptions, type ExtractPlace } from './extract.ts'
import { createDirectories, type Directories } from './extract-directories.ts'
import { createFileWriter, type FileWriter } from './extract-files.ts'
import { readMembers, type MemberTaker } from './extract-members.ts'
import { absolute, plainMember, serverPath } from './extract-paths.ts'
import { createFileList, type FileList, type FileSum } from './file-list.ts'
import { createIncrementReader, targetOf, type IncrementHeader, type IncrementReader } from './increment-file.ts'
import { removeAbsent } from './remove-absent.ts'
import { targetFault } from './restore-fault.ts'

export interface ApplyOptions extends Omit<ExtractOptions, 'durable'> {
  readonly blockSize: number
  /** Whether the set before had a file. A path of the server, a byte string. */
  readonly wasThere: (path: string) => boolean
  /** What is known of a file as it is before this set; undefined when that is nothing. */
  readonly sumOf: (path: string) => FileSum | undefined
  /** Told of each file that was changed and not replaced, by its path of the server, and what it comes to if that is known. */
  readonly onChanged: (path: string, sum: FileSum | undefined) => void
  /** Told of each file that was replaced. */
  readonly onReplaced: (path: string) => void
  /** Whether what the set does not have is removed afterwards, as after the last of a chain. */
  readonly isLast: boolean
}

/**
 * Writes one increment over what the sets before it left below a directory, reading its tar once: blocks into the files they belong to,
 * whole files in the place of others. Nothing is durable yet when it resolves: a later set may write the same again. Fault 'store_corrupt' naming the member that fits nothing there.
 */
export async function applyIncrement(tar: Bytes, place: ExtractPlace, options: ApplyOptions): Promise<void> {
  const files = createFileWriter({ fileMode: fileModeOf(place), owner: place.owner, durable: false })
  const directories = createDirectories(place, { mayExist: true })
  const present = createFileList()
  try {
    await readMembers(tar, createTaker({ place, options, files, directories, present }))
    await files.drain()
  } finally {
    await files.settle()
  }
  if (options.isLast) {
    const isThere = (name: string) => present.look(name) !== undefined
    removeAbsent(place.directory, { hasFile: isThere, hasDirectory: (name) => directories.has(name) })
  }
}

interface Applying {
  readonly place: ExtractPlace
  readonly options: ApplyOptions
  readonly files: FileWriter
  readonly directories: Directories
  /** Names of the files that the set has, those of which it holds blocks only by their own names. */
  readonly present: FileList
}

/** What becomes of the bytes of one member. */
interface Consumer {
  data(slice: Uint8Array): Promise<void> | undefined
  end(): void
}

const NOTHING: Consumer = { data: () => undefined, end() {} }

function createTaker(applying: Applying): MemberTaker {
  const { options, files, directories } = applying
  let entry: TarEntry | undefined
  let consumer = NOTHING
  let crc = 0
  let bytes = 0
  return {
    member(found) {
      options.signal?.throwIfAborted()
      const next = plainMember(found)
      entry = next
      crc = 0
      if (next.type === 'directory') return directories.make(next.name)
      directories.makeParent(next.name)
      if (options.isSkipped?.(next.name)) {
        consumer = NOTHING
        return undefined
      }
      const target = targetOf(next.name)
      noteName(applying, target ?? next.name)
      if (target === undefined) {
        consumer = { data: (slice) => files.write(slice), end: () => files.end() }
        options.onReplaced(serverPath(next.name) ?? next.name)
        return replace(applying, next)
      }
      consumer = createBlocks(applying, target, createIncrementReader(next.name, next.size, options.blockSize))
      return undefined
    },
    data(slice) {
      crc = crc32c(slice, crc)
      bytes += slice.length
      options.onBytes?.(bytes)
      return consumer.data(slice)
    },
    end() {
      if (entry?.type !== 'file' || consumer === NOTHING) return undefined
      consumer.end()
      consumer = NOTHING
      const path = serverPath(entry.name)
      if (path !== undefined) options.onFile(path, entry.size, crc)
      return undefined
    },
    finish: (chunk) => files.finish(chunk),
  }
}

function noteName({ present }: Applying, name: string): void {
  if (present.look(name)) throw new Fault('store_corrupt', `read the set: it holds ${name} twice`)
  present.add(name, 0, 0)
}

function replace({ place, files }: Applying, { name, size }: TarEntry): Promise<void> | undefined {
  const path = absolute(place.directory, heldName(name))
  try {
    rmSync(path, { force: true })
  } catch (error) {
    throw targetFault(error, `replace ${path.toString()}`)
  }
  return files.begin(path, size)
}

const heldName = (name: string): string => (HELD.includes(name) ? `${name}${HELD_SUFFIX}` : name)

/** Writes the blocks of one member where they belong; neighbours that arrive together are written together. */
function createBlocks(applying: Applying, target: string, reader: IncrementReader): Consumer {
  const { place, options, files } = applying
  const { blockSize } = options
  const path = absolute(place.directory, heldName(target))
  const server = serverPath(target) ?? target
  if (!options.wasThere(server)) throw misfit(target, 'no set before it has that file')
  let opened = false
  let done = 0
  let crc: ReplacedCrc | undefined

  const open = (): Promise<void> | undefined => {
    const { header } = reader
    if (!header) return undefined
    const size = sizeOf(path, target)
    if (header.positions.length === 0 && header.length === size) return undefined
    opened = true
    crc = crcOf(options.sumOf(server), size, header)
    return files.reopen(path, { ...header, size: header.positions.length * blockSize })
  }

  const writeBlocks = (slice: Uint8Array): Promise<void> | undefined => {
    let wait: Promise<void> | undefined
    for (let at = 0; at < slice.length;) {
      const run = runOf(reader.header?.positions ?? [], done, slice.length - at, blockSize)
      const bytes = slice.subarray(at, at + run.length)
      files.seek(run.position)
      crc?.replace(run.position, files.peek(run.length), bytes)
      wait = files.write(bytes) ?? wait
      at += run.length
      done += run.length
    }
    return wait
  }

  return {
    data(slice) {
      if (opened) return writeBlocks(slice)
      const rest = slice.subarray(reader.take(slice))
      const wait = open()
      const more = rest.length > 0 ? writeBlocks(rest) : undefined
      return wait && more ? wait.then(() => more) : (wait ?? more)
    },
    end() {
      if (!opened) return
      files.end()
      options.onChanged(server, crc && { size: reader.header?.length ?? 0, crc: crc.value() })
    },
  }
}

/** What the checksum of a file comes to: known when it was known before, and the file only grows or has blocks replaced in their order. */
function crcOf(
  before: FileSum | undefined,
  size: number,
  { keep, length, positions }: IncrementHeader,
): ReplacedCrc | undefined {
  const inOrder = positions.every((position, at) => at === 0 || position > (positions[at - 1] ?? 0))
  if (before?.size !== size || keep < size || !inOrder) return undefined
  return replacedCrc(zerosAfter(before.crc, length - size), length)
}

/** Where the bytes after `done` bytes of blocks go, and how many of the next `most` go there in one piece. */
function runOf(positions: readonly number[], done: number, most: number, blockSize: number) {
  const block = Math.floor(done / blockSize)
  const inside = done % blockSize
  const start = positions[block] ?? 0
  let length = blockSize - inside
  for (let next = block + 1; length < most && positions[next] === start + (next - block) * blockSize; next++) {
    length += blockSize
  }
  return { position: start + inside, length: Math.min(length, most) }
}

function sizeOf(path: Buffer, target: string): number {
  const info = lstatSync(path, { throwIfNoEntry: false })
  if (info?.isFile()) return info.size
  throw misfit(target, 'that file is not there')
}

const misfit = (target: string, why: string) =>
  new Fault('store_corrupt', `read the set: it holds blocks of ${JSON.stringify(target)}, and ${why}`)
