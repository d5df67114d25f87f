import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { mapAhead } from '../lib/ahead.ts'
import { findPath, MISSING } from './fs-directory.ts'
import { unless } from './fs-faults.ts'
import { isSegment } from './keys.ts'
import type { ObjectInfo } from './store.ts'

/** How many objects are asked for their size at once. */
const STATS = 16

/** How many directories are read at once. */
const DIRECTORIES = 8

/**
 * Lists the objects below `root` whose key starts with `prefix`, in key order. Holds the names of one directory a level, and
 * walks only into directories that can hold such keys. Symbolic links and names that are no key are passed over.
 */
export async function* listFiles(root: string, prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo> {
  const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if ((await findPath(root, `${directory}x`)) === undefined) return
  const infos = mapAhead(walk(root, directory, prefix), STATS, async (key) => {
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

/**
 * Keys below `directory` ('' or ending in a slash), in order: a directory sorts by its name and the slash that follows it. The names in
 * its directories are read ahead of their turn.
 */
async function* walk(root: string, directory: string, prefix: string): AsyncGenerator<string, void, undefined> {
  const names = await namesIn(join(root, directory))
  yield* walkNames(root, directory, prefix, names)
}

async function* walkNames(
  root: string,
  directory: string,
  prefix: string,
  names: readonly string[],
): AsyncGenerator<string, void, undefined> {
  const keys = names.map((name) => directory + name).filter((key) => key.startsWith(prefix) || leadsTo(prefix, key))
  const entries = mapAhead(each(keys), DIRECTORIES, async (key) => {
    return { key, below: key.endsWith('/') ? await namesIn(join(root, key)) : undefined }
  })
  for await (const { key, below } of entries) {
    if (below) yield* walkNames(root, key, prefix, below)
    else yield key
  }
}

const leadsTo = (prefix: string, key: string) => key.endsWith('/') && prefix.startsWith(key)

async function* each<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items
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
