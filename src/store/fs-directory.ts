import { mkdir, realpath, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../core/fault.ts'
import { syncDirectory } from '../lib/files.ts'
import { faulting, unless } from './fs-faults.ts'

/** Where drafts lie until they are whole. No key can begin so. */
export const DRAFTS = '~drafts'

export const MISSING: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP']

const NOT_EMPTY: readonly string[] = ['ENOTEMPTY', 'EEXIST', 'EBUSY', ...MISSING]

/** The directory of a store, seen as the same one through the life of this process. */
export interface Root {
  /** Its real path. Fault 'store_unavailable' when it is gone, or is not the one that was there first (a lost mount). */
  path(): Promise<string>
}

export function rootAt(directory: string): Root {
  let first: { path: string; dev: bigint; ino: bigint } | undefined
  return {
    async path() {
      const found = await faulting('open the store', unless(MISSING, stat(directory, { bigint: true }), undefined))
      if (!found) {
        throw new Fault('store_unavailable', `open the store: no directory ${directory}`, {
          hint: 'Mount or make the directory of the store.',
        })
      }
      first ??= { path: await realpath(directory), dev: found.dev, ino: found.ino }
      if (first.dev === found.dev && first.ino === found.ino) return first.path
      throw new Fault('store_unavailable', `use the store: ${directory} is another directory than before`, {
        hint: 'Look whether its file system is mounted, then start the service again.',
      })
    },
  }
}

/**
 * The path of `key` below `root`, when the directory it lies in is there and no symbolic link is on the way; undefined
 * otherwise: below a store, a link is no directory.
 */
export async function findPath(root: string, key: string): Promise<string | undefined> {
  const path = join(root, key)
  const parent = dirname(path)
  return (await unless(MISSING, realpath(parent), undefined)) === parent ? path : undefined
}

/** Makes a directory below `root`, and those above it, following no symbolic link. */
export async function makeDirectory(root: string, path: string): Promise<void> {
  if (path === root) return
  const real = await unless(['ENOENT'], realpath(path), undefined)
  if (real === path) return
  if (real !== undefined) {
    throw new Fault('store_unavailable', `write below ${path}: a symbolic link is in the way`, {
      hint: 'Links below the directory of a store are not followed: remove it.',
    })
  }
  await makeDirectory(root, dirname(path))
  await unless(['EEXIST'], mkdir(path, 0o700), undefined)
}

/** Makes every name from `path` up to `root` durable. Directories that another call has removed meanwhile are passed over. */
export async function syncUpward(root: string, path: string): Promise<void> {
  for (let at = path; at.length >= root.length; at = dirname(at)) {
    await unless(MISSING, syncDirectory(at), undefined)
    if (at === root) return
  }
}

/** Removes `path` and the directories above it, up to `root`, as far as they are empty. */
export async function pruneUpward(root: string, path: string): Promise<void> {
  for (let at = path; at.length > root.length; at = dirname(at)) {
    if ((await unless(NOT_EMPTY, rmdir(at), 'stays')) === 'stays') return
  }
}

/** Makes the directory of a store itself, durably, unless it is there. */
export async function makeRoot(directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  await syncUpward(dirname(made), directory)
}
