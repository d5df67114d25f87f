import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { mapAhead } from '../lib/ahead.ts'
import { MISSING } from './fs-directory.ts'
import { unless } from './fs-faults.ts'
import { isSegment } from './keys.ts'
import type { ObjectInfo } from './store.ts'

/** How many objects are asked for their size at once. */
const STATS = 16

/**
 * Lists the objects below `root` whose key starts with `prefix`, in key order. Holds the names of one directory a level, and
 * walks only into directories that can hold such keys. Symbolic links and names that are no key are passed over.
 */
export async function* listFiles(root: string, prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo> {
  const infos = mapAhead(walk(root, '', prefix), STATS, async (key) => {
    signal?.throwIfAborted()
    return infoOf(join(root, key), key)
  })
  for await (const info of infos) if (info) yield info
}

/** The object at `path`; undefined when there is no plain file. */
export async function infoOf(path: string, key: string): Promise<ObjectInfo | undefined> {
  const stats = await unless(MISSING, lstat(path), undefined)
  if (!stats?.isFile()) return undefined
  return { key, size: stats.size, modifiedAt: Math.round(stats.mtimeMs) }
}

/** Keys below `directory` ('' or ending in a slash), in order: a directory sorts by its name and the slash that follows it. */
async function* walk(root: string, directory: string, prefix: string): AsyncGenerator<string, void, undefined> {
  for (const name of await namesIn(join(root, directory))) {
    const key = directory + name
    if (!name.endsWith('/')) {
      if (key.startsWith(prefix)) yield key
    } else if (key.startsWith(prefix) || prefix.startsWith(key)) {
      yield* walk(root, key, prefix)
    }
  }
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = []
  const directory = await unless(MISSING, opendir(path, { bufferSize: 256 }), undefined)
  if (!directory) return names
  for await (const entry of directory) {
    if (!isSegment(entry.name)) continue
    if (entry.isDirectory()) names.push(`${entry.name}/`)
    else if (entry.isFile()) names.push(entry.name)
  }
  return names.toSorted()
}
