import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, rename, rm, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Moment } from '../lib/clock.ts'
import type { Bytes } from '../lib/streams.ts'
import { DRAFTS, makeDirectory, syncUpward } from './fs-directory.ts'
import { faulting, systemCode, unless } from './fs-faults.ts'
import type { ObjectInfo, PutOptions } from './store.ts'

/** So many bytes are written before the disk is told to take them, while more come: the last sync has little left to do. */
const SYNC_EVERY = 32 * 1024 * 1024

/** How often a directory that a `remove` took away under our hands is made again. */
const TRIES = 10

/** Writes an object of the store at `root`: into a draft first, made durable, then under its name. */
export async function putFile(
  root: string,
  key: string,
  body: Bytes,
  options: PutOptions & { now: () => Moment },
): Promise<ObjectInfo> {
  const doing = `put ${key}`
  const { draft, file } = await persisting(doing, options, () => openDraft(root))
  try {
    const written = await fillDraft(doing, file, body, options)
    await persisting(doing, options, () => placeDraft(root, key, draft, options.ifAbsent === true))
    // Never tried again, as no sync is: one that failed may have lost what the next one would find nothing wrong with.
    await faulting(doing, syncUpward(root, dirname(join(root, key))))
    return { key, ...written }
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

async function openDraft(root: string): Promise<{ draft: string; file: FileHandle }> {
  const draft = join(root, DRAFTS, `${process.pid}-${randomBytes(8).toString('hex')}`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  await makeDirectory(root, dirname(draft))
  return { draft, file: await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600) }
}

async function fillDraft(
  doing: string,
  file: FileHandle,
  body: Bytes,
  { now, ...options }: PutOptions & { now: () => Moment },
): Promise<{ size: number; modifiedAt: Moment }> {
  const { signal } = options
  await using writer = behindWriter(doing, file, options)
  signal?.throwIfAborted()
  for await (const chunk of body) {
    signal?.throwIfAborted()
    await writer.write(chunk)
  }
  await writer.flush()
  const modifiedAt = now()
  await faulting(doing, file.utimes(modifiedAt / 1000, modifiedAt / 1000))
  await faulting(doing, file.sync())
  return { size: writer.size(), modifiedAt }
}

interface BehindWriter extends AsyncDisposable {
  /** Starts a write and resolves when the one before it is done. */
  write(chunk: Uint8Array): Promise<void>
  flush(): Promise<void>
  size(): number
}

/** Writes one chunk while the next is being made, and lets the disk take bytes while more come. Closes the file when disposed of. */
function behindWriter(doing: string, file: FileHandle, options: PutOptions): BehindWriter {
  let size = 0
  let unsynced = 0
  let writing: Promise<void> = Promise.resolve()
  let syncing: Promise<void> | undefined

  const start = (call: Promise<void>) => {
    const guarded = faulting(doing, call)
    // Whoever awaits it next gets the failure; until then it is no unhandled rejection.
    guarded.catch(() => undefined)
    return guarded
  }
  const syncEarly = () => {
    if (unsynced < SYNC_EVERY || syncing) return
    unsynced = 0
    syncing = start(file.datasync())
    syncing.then(
      () => (syncing = undefined),
      () => undefined,
    )
  }

  return {
    size: () => size,
    async write(chunk) {
      const { length } = chunk
      await writing
      syncEarly()
      writing = start(writeWhole(doing, file, { chunk, from: size }, options))
      size += length
      unsynced += length
    },
    async flush() {
      await writing
      await syncing
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([writing, syncing])
      await file.close()
    },
  }
}

async function writeWhole(
  doing: string,
  file: FileHandle,
  { chunk, from }: { chunk: Uint8Array; from: number },
  options: PutOptions,
): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const write = () => file.write(chunk, at, chunk.length - at, from + at)
    at += (await persisting(doing, options, write)).bytesWritten
  }
  options.onWritten?.(chunk)
}

/** What `call` gives, tried again for as long as `onTrouble` says so. */
async function persisting<T>(doing: string, { onTrouble }: PutOptions, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await faulting(doing, call())
    } catch (error) {
      if (!onTrouble || !Fault.is(error, 'store_unavailable')) throw error
      await onTrouble(error)
    }
  }
}

async function placeDraft(root: string, key: string, draft: string, ifAbsent: boolean): Promise<void> {
  const path = join(root, key)
  for (let tries = 1; ; tries++) {
    try {
      await makeDirectory(root, dirname(path))
      await (ifAbsent ? link(draft, path) : rename(draft, path))
      break
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT' && tries < TRIES) continue
      if (code === 'EEXIST') throw new Fault('conflict', `put ${key}: there is an object already`, { cause: error })
      if (code === 'EISDIR' || code === 'ENOTDIR') {
        throw new Fault('invalid', `put ${key}: it is the beginning of another object's key`, { cause: error })
      }
      throw error
    }
  }
  if (ifAbsent) await unless(['ENOENT'], unlink(draft), undefined)
}
