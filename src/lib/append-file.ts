import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Moment } from './clock.ts'
import { syncDirectory } from './files.ts'
import { compactSeconds } from './time.ts'

export interface AppendSettings {
  /** Made when it is not there, for its owner alone. */
  readonly directory: string
  /** What the names of all files begin with: whose they are, for rotation. */
  readonly kind: string
  /** What tells the files of this process from another's in the same directory. */
  readonly writer: string
  /** A file that has so many bytes, or was begun so long ago, is followed by a new one. */
  readonly fileBytes: number
  readonly fileMs: number
  /** How many files of the kind are kept, the one that is written among them. */
  readonly files: number
  /** How many characters may wait to be written; what comes on top of them is dropped and counted. */
  readonly mostWaiting?: number
}

export interface AppendDeps {
  readonly clock: Clock
  /** Is told of a failure, once until it is over; then that it is over, and how many lines were lost. */
  readonly failed: (error: unknown) => void
  readonly recovered: (dropped: number) => void
}

/**
 * Lines on their way into files that are only ever appended to, written in batches: at least each second, and when closed. What a
 * process had not written when it was killed is lost. A disk that takes nothing blocks nobody: lines wait in bounded memory,
 * and those that do not fit are dropped and counted.
 */
export interface AppendFile {
  /** A whole line, with its end. */
  add(line: string): void
  /** Writes all that waits; durable when it resolves, or the failure was told. */
  flush(): Promise<void>
  close(): Promise<void>
  /** Lines that were lost, ever. */
  readonly dropped: number
  readonly failing: boolean
}

const BATCH_MS = 1000
const MOST_WAITING = 32 * 1024 * 1024
/** So much is not left waiting for the second to end. */
const SOON = 1024 * 1024

/** The file that a process appends to now. */
interface Current {
  readonly path: string
  readonly handle: FileHandle
  readonly begunAt: Moment
  bytes: number
}

interface State {
  waiting: string[]
  characters: number
  writing: number
  current: Current | undefined
  made: number
  dropped: number
  droppedBefore: number
  failing: boolean
}

/** Lines of one process into files of its own. Nothing is made before the first line. */
export function createAppendFile(settings: AppendSettings, deps: AppendDeps): AppendFile {
  const { mostWaiting = MOST_WAITING } = settings
  const state: State = {
    waiting: [],
    characters: 0,
    writing: 0,
    current: undefined,
    made: 0,
    dropped: 0,
    droppedBefore: 0,
    failing: false,
  }
  const stopping = new AbortController()
  let turn = Promise.resolve()
  let soon = false

  const flush = () => (turn = turn.then(() => writeWaiting(state, settings, deps)))
  const ticking = tick(deps.clock, stopping.signal, flush)

  return {
    add(line) {
      if (state.characters + state.writing + line.length > mostWaiting) {
        state.dropped++
        return
      }
      state.waiting.push(line)
      state.characters += line.length
      if (state.characters < SOON || soon || state.failing) return
      soon = true
      void flush().finally(() => {
        soon = false
      })
    },
    flush,
    async close() {
      stopping.abort()
      await ticking
      await flush()
      await state.current?.handle.close()
      state.current = undefined
    },
    get dropped() {
      return state.dropped
    },
    get failing() {
      return state.failing
    },
  }
}

async function tick(clock: Clock, signal: AbortSignal, flush: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(BATCH_MS, signal).catch(() => {})
    await flush()
  }
}

/** Writes what waits, as one batch. What cannot be written waits on. */
async function writeWaiting(state: State, settings: AppendSettings, deps: AppendDeps): Promise<void> {
  if (state.waiting.length === 0) return
  const text = state.waiting.join('')
  state.waiting = []
  state.characters = 0
  state.writing = text.length
  try {
    await append(state, Buffer.from(text), settings, deps)
    if (state.failing) {
      deps.recovered(state.dropped - state.droppedBefore)
      state.droppedBefore = state.dropped
    }
    state.failing = false
  } catch (error) {
    state.waiting.unshift(text)
    state.characters += text.length
    if (!state.failing) deps.failed(error)
    state.failing = true
  } finally {
    state.writing = 0
  }
}

async function append(state: State, batch: Buffer, settings: AppendSettings, deps: AppendDeps): Promise<void> {
  const current = await fileFor(state, batch.length, settings, deps.clock.now())
  try {
    await current.handle.appendFile(batch)
    await current.handle.datasync()
  } catch (error) {
    // Half a batch would be half a line, and the whole of it comes again.
    await current.handle.truncate(current.bytes).catch(() => {})
    await current.handle.close().catch(() => {})
    if (current.bytes === 0) await rm(current.path, { force: true }).catch(() => {})
    state.current = undefined
    throw error
  }
  const first = current.bytes === 0
  current.bytes += batch.length
  // Only now: a full disk, where each try begins a file, shall not cost the old ones.
  if (first) await removeOldest(settings).catch(deps.failed)
}

async function fileFor(state: State, bytes: number, settings: AppendSettings, now: Moment): Promise<Current> {
  const { current } = state
  if (current && current.bytes + bytes <= settings.fileBytes && now - current.begunAt < settings.fileMs) return current
  if (current && current.bytes === 0) return current
  await current?.handle.close()
  state.current = undefined
  await mkdir(settings.directory, { recursive: true, mode: 0o700 })
  const name = `${settings.kind}-${compactSeconds(now)}-${settings.writer}-${++state.made}.jsonl`
  const path = join(settings.directory, name)
  const handle = await open(path, 'ax', 0o600)
  state.current = { path, handle, begunAt: now, bytes: 0 }
  await syncDirectory(settings.directory)
  return state.current
}

/** Names begin with the moment they were begun at. */
async function removeOldest({ directory, kind, files }: AppendSettings): Promise<void> {
  const old = (await appendedFiles(directory, kind)).slice(0, -files)
  for (const name of old) await rm(join(directory, name), { force: true })
}

/** The names of a kind's files, oldest first; none when there is no such directory. */
export async function appendedFiles(directory: string, kind: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => name.startsWith(`${kind}-`) && name.endsWith('.jsonl')).toSorted(byName)
}

const byName = (a: string, b: string) => (a < b ? -1 : 1)
