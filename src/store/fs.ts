import { constants } from 'node:fs'
import { open, opendir, stat, statfs, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import { DRAFTS, findPath, MISSING, pruneUpward, rootAt, syncUpward } from './fs-directory.ts'
import { faulting, storeFault, unless } from './fs-faults.ts'
import { fileBytes } from './fs-get.ts'
import { infoOf, listFiles } from './fs-list.ts'
import { putFile } from './fs-put.ts'
import { checkKey, checkPrefix } from './keys.ts'
import type { Store } from './store.ts'

const nothing = (key: string) => new Fault('not_found', `no object ${key}`)

/**
 * Keeps each object as a file of mode 0600 below `directory`, which must exist. Drafts lie in a directory of the same file
 * system until they are whole. Symbolic links below the directory are not followed.
 */
export function fsStore(directory: string, clock: Clock): Store {
  const root = rootAt(directory)

  return {
    kind: 'fs',

    async put(key, body, options = {}) {
      checkKey(key)
      return putFile(await root.path(), key, body, { ...options, now: () => clock.now() })
    },

    async get(key, { start = 0, end = Infinity, signal } = {}) {
      checkKey(key)
      signal?.throwIfAborted()
      const doing = `get ${key}`
      const { file, size } = await faulting(doing, openFile(await root.path(), key))
      return fileBytes(doing, file, { start: Math.max(0, start), end: Math.min(end, size) }, signal)
    },

    async stat(key) {
      checkKey(key)
      const path = await faulting(`stat ${key}`, findPath(await root.path(), key))
      const info = path === undefined ? undefined : await faulting(`stat ${key}`, infoOf(path, key))
      if (!info) throw nothing(key)
      return info
    },

    async *list(prefix, { signal } = {}) {
      checkPrefix(prefix)
      try {
        yield* listFiles(await root.path(), prefix, signal)
      } catch (error) {
        throw storeFault(`list ${prefix}`, error)
      }
    },

    async remove(key) {
      checkKey(key)
      await faulting(`remove ${key}`, removeFile(await root.path(), key))
    },

    async space() {
      const { bavail, blocks, bsize } = await faulting('look at the space of the store', statfs(await root.path()))
      return { free: bavail * bsize, total: blocks * bsize }
    },

    async tidy(before, { signal } = {}) {
      return faulting('tidy drafts', removeDrafts(await root.path(), before, signal))
    },
  }
}

async function openFile(root: string, key: string): Promise<{ file: FileHandle; size: number }> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const path = await findPath(root, key)
  if (path === undefined) throw nothing(key)
  const file = await unless(MISSING, open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), undefined)
  if (!file) throw nothing(key)
  const stats = await file.stat()
  if (stats.isFile()) return { file, size: stats.size }
  await file.close()
  throw nothing(key)
}

async function removeFile(root: string, key: string): Promise<void> {
  const path = await findPath(root, key)
  if (path === undefined || !(await infoOf(path, key))) return
  await unless(MISSING, unlink(path), undefined)
  await syncUpward(root, dirname(path))
  await pruneUpward(root, dirname(path))
}

async function removeDrafts(root: string, before: Moment, signal: AbortSignal | undefined): Promise<number> {
  let removed = 0
  const drafts = await unless(MISSING, opendir(join(root, DRAFTS)), undefined)
  if (!drafts) return removed
  for await (const entry of drafts) {
    signal?.throwIfAborted()
    const path = join(root, DRAFTS, entry.name)
    const stats = await unless(MISSING, stat(path), undefined)
    if (!stats?.isFile() || stats.mtimeMs >= before) continue
    await unless(MISSING, unlink(path), undefined)
    removed++
  }
  return removed
}
