import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'

/**
 * The real path of `path`, every symbolic link in it resolved, if it lies strictly below the real path of one of `roots`;
 * else undefined. The path need not exist: the part of it that does is resolved. Undefined too for a path that is not
 * absolute, has `..` in it, or leads through a link whose end is missing, since that might lead anywhere later.
 */
export async function realPathBelow(path: string, roots: readonly string[]): Promise<string | undefined> {
  if (!isAbsolute(path) || path.includes('\0') || path.split(sep).includes('..')) return undefined
  const real = await resolveExisting(path)
  if (real === undefined) return undefined
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)))
  return realRoots.some((root) => root !== undefined && isBelow(real, root)) ? real : undefined
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path)
  return way !== '' && way.split(sep)[0] !== '..' && !isAbsolute(way)
}

async function resolveExisting(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path || (await isLink(path)))
      return undefined
    const parent = await resolveExisting(dirname(path))
    return parent === undefined ? undefined : join(parent, basename(path))
  }
}

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (info) => info.isSymbolicLink(),
    () => false,
  )
