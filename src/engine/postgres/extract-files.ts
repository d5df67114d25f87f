import {
  close,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  write,
  writeSync,
} from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { createChunks, type Chunks } from './extract-chunks.ts'
import { targetFault } from './restore-fault.ts'

/** How files are written, and whose they are. */
export interface Writing {
  readonly fileMode: number
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** Whether each file is made durable as it ends; else that is left to whoever writes more to it. */
  readonly durable: boolean
}

/** Writes files one after the other and closes each in the background, durable if that was asked for. */
export interface FileWriter {
  /** Creates `path`, which must not exist. Waits while too much is under way. */
  begin(path: Buffer, size: number): Promise<void> | undefined
  /**
   * Opens `path`, which exists, to write over it: what lies at or after `keep` becomes zeros, and it ends at `length`. Waits as
   * `begin` does. `size` is how many bytes will be written.
   */
  reopen(path: Buffer, lengths: { keep: number; length: number; size: number }): Promise<void> | undefined
  /** Where in the file begun last the next bytes go. */
  seek(position: number): void
  /** What lies in the file reopened last from there on, as far as nothing under way goes there; zeros past its end. */
  peek(length: number): Buffer
  /** Appends to the file begun last. The slice must not change until its chunk is released. */
  write(slice: Uint8Array): Promise<void> | undefined
  /** Takes over a chunk whose slices have all been handed in: it is released when the last of them is written. */
  finish(chunk: Uint8Array): void
  /** Ends the file: it is synced, if asked for, and closed in the background. */
  end(): void
  /** Resolves when every file is closed; rejects with the first failure of any. */
  drain(): Promise<void>
  /** Resolves when nothing is under way any more, whatever failed. */
  settle(): Promise<void>
}

/** At most so many bytes wait to be written, each in a frame that stays in memory until then, and so many files to be synced. */
const WRITING_LIMIT = 8 * 1024 * 1024
const OPEN_LIMIT = 128
/** Syncs at once: libuv has four threads, and decoding needs some. */
const SYNC_LIMIT = 3
/** Files up to this size are written at once: a hop to another thread would cost more than the write. */
const SMALL = 64 * 1024

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

interface OpenFile {
  readonly fd: number
  readonly path: Buffer
  readonly small: boolean
  position: number
  writes: number
  ended: boolean
}

export function createFileWriter(writing: Writing): FileWriter {
  const state = createState()
  const syncer = createSyncer(state, writing)
  const chunks = createChunks()
  let current: OpenFile | undefined

  const end = () => {
    if (!current) return
    current.ended = true
    if (current.writes === 0) syncer.add(current)
    current = undefined
  }

  return {
    begin(path, size) {
      state.check()
      current = { fd: create(path, writing), path, small: size <= SMALL, position: 0, writes: 0, ended: false }
      state.open += 1
      return state.room()
    },
    reopen(path, { keep, length, size }) {
      state.check()
      current = { fd: openAgain(path, keep, length), path, small: size <= SMALL, position: 0, writes: 0, ended: false }
      state.open += 1
      return state.room()
    },
    seek(position) {
      if (!current) throw new Error('no file is begun')
      current.position = position
    },
    peek(length) {
      if (!current) throw new Error('no file is begun')
      return readNow(current, length)
    },
    write(slice) {
      if (!current) throw new Error('no file is begun')
      const { position, small } = current
      current.position += slice.length
      if (small) return writeNow(current, slice, position)
      current.writes += 1
      state.writing += slice.length
      chunks.begin(slice)
      writeBehind({ state, syncer, chunks }, current, slice, position)
      return state.room()
    },
    finish: (chunk) => chunks.finish(chunk),
    end,
    async drain() {
      await state.until(() => state.open === 0)
      state.check()
    },
    async settle() {
      end()
      await state.until(() => state.open === 0)
    },
  }
}

type State = ReturnType<typeof createState>
type Syncer = ReturnType<typeof createSyncer>

/** What is under way, the first failure, and who waits for either to change. */
function createState() {
  let failed: { error: unknown } | undefined
  let waiting: (() => void)[] = []
  const state = {
    /** Bytes handed to the system and not written yet. */
    writing: 0,
    /** Files created and not closed yet. */
    open: 0,
    fail(error: unknown, file: OpenFile): void {
      failed ??= { error: targetFault(error, `write ${file.path.toString()}`) }
    },
    check(): void {
      if (failed) throw failed.error
    },
    progressed(): void {
      const awake = waiting
      waiting = []
      for (const resume of awake) resume()
    },
    async until(ready: () => boolean): Promise<void> {
      while (!ready()) {
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting.push(resolve)
        await promise
      }
    },
    room(): Promise<void> | undefined {
      const ready = () => failed !== undefined || (state.writing <= WRITING_LIMIT && state.open <= OPEN_LIMIT)
      return ready() ? undefined : state.until(ready).then(() => state.check())
    },
  }
  return state
}

/** Syncs, if that is asked for, and closes written files, a few at a time. */
function createSyncer(state: State, { durable }: Writing) {
  const queue: OpenFile[] = []
  let syncing = 0
  const next = () => {
    while (syncing < SYNC_LIMIT) {
      const file = queue.pop()
      if (!file) return
      syncing += 1
      sync(file)
    }
  }
  const sync = (file: OpenFile) => {
    if (durable) fsync(file.fd, (failure) => end(file, failure))
    else end(file, null)
  }
  const end = (file: OpenFile, failure: Error | null) =>
    close(file.fd, (closing) => {
      const error = failure ?? closing
      if (error) state.fail(error, file)
      state.open -= 1
      syncing -= 1
      next()
      state.progressed()
    })
  return {
    add(file: OpenFile): void {
      queue.push(file)
      next()
    },
  }
}

interface Behind {
  readonly state: State
  readonly syncer: Syncer
  readonly chunks: Chunks
}

function writeBehind(behind: Behind, file: OpenFile, slice: Uint8Array, position: number): void {
  const { state, syncer, chunks } = behind
  const { length } = slice
  write(file.fd, slice, 0, length, position, (error, written) => {
    state.writing -= error ? length : written
    if (!error && written < length) return writeBehind(behind, file, slice.subarray(written), position + written)
    chunks.end(slice)
    if (error) state.fail(error, file)
    file.writes -= 1
    if (file.ended && file.writes === 0) syncer.add(file)
    return state.progressed()
  })
}

function create(path: Buffer, { fileMode, owner }: Writing): number {
  try {
    const fd = openSync(path, FLAGS, fileMode)
    // The umask may have taken bits from the mode.
    if (fileMode !== 0o600) fchmodSync(fd, fileMode)
    if (owner) fchownSync(fd, owner.uid, owner.gid)
    return fd
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw targetFault(error, `write ${path.toString()}`)
    throw new Fault('store_corrupt', `read the set: it holds ${path.toString()} twice`, { cause: error })
  }
}

function openAgain(path: Buffer, keep: number, length: number): number {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
    // Two steps: what lay between the two lengths must not come back.
    ftruncateSync(fd, Math.min(keep, fstatSync(fd).size))
    ftruncateSync(fd, length)
    return fd
  } catch (error) {
    throw targetFault(error, `write ${path.toString()}`)
  }
}

function writeNow(file: OpenFile, slice: Uint8Array, position: number): undefined {
  try {
    let at = 0
    while (at < slice.length) at += writeSync(file.fd, slice, at, slice.length - at, position + at)
    return undefined
  } catch (error) {
    throw targetFault(error, `write ${file.path.toString()}`)
  }
}

function readNow({ fd, path, position }: OpenFile, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  try {
    for (let at = 0, read = -1; read !== 0 && at < length; at += read) {
      read = readSync(fd, bytes, at, length - at, position + at)
    }
    return bytes
  } catch (error) {
    throw targetFault(error, `read ${path.toString()}`)
  }
}
