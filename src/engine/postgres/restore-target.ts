import { chmod, chown, mkdir, readdir, realpath, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { syncDirectory } from '../../lib/files.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import type { Target } from '../engine.ts'
import { targetFault } from './restore-fault.ts'
import type { Owner } from './restore-owner.ts'

/** The file that says that a restore into this directory has not ended. */
export const MARKER = 'HOLDFAST_RESTORE_INCOMPLETE'

const MARKER_TEXT = `A restore into this directory has not ended, or it failed.
What lies here is not a database: do not start it and do not rename files to make it start. Remove the directory and restore again.
`

/** Room that is wanted beside the restored bytes: file system overhead and the first WAL. */
export const SPARE = 64 * 1024 * 1024

/**
 * Checks a target and takes hold of it: absolute, absent or an empty directory (symbolic links resolved), with room for
 * `bytes`. Nothing is written before all of that holds; then the directory is made with mode 0700 and the marker lies in
 * it, durable. Gives its real path.
 *
 * Fault 'invalid' for a path that is not absolute or that no configuration can name, 'conflict' when something is there,
 * 'target_full' when the room is short.
 */
export async function claimTarget(target: Target, bytes: number): Promise<string> {
  const { directory } = target
  if (!isAbsolute(directory) || /[\n\r\0]/.test(directory)) {
    throw new Fault('invalid', `restore into ${JSON.stringify(directory)}: not an absolute path of one line`)
  }
  const { existing, missing } = await resolve(directory)
  const path = join(existing, ...missing)
  if (missing.length === 0) await checkEmpty(path)
  await checkRoom(existing, path, bytes)
  try {
    await mkdir(path, { recursive: true })
    // Something may have come between the look and the making.
    await checkEmpty(path)
    await writeFile(join(path, MARKER), MARKER_TEXT, { flag: 'wx', mode: 0o600, flush: true })
    await chmod(path, 0o700)
    if (target.owner) await chown(path, target.owner.uid, target.owner.gid)
    await syncDirectory(path)
    await syncUpTo(path, existing)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path, 'somebody else just came there')
    throw targetFault(error, `restore into ${path}`)
  }
  return path
}

/**
 * What to tell when the owner cannot reach the directory that he was given, since one above it is closed to him: the
 * database would not start there. Empty when he can, and when we are not root and so he is us.
 */
export async function reachWarnings(path: string, owner: Owner, options: Options): Promise<string[]> {
  if (!owner) return []
  const fail = (message: string, cause?: unknown) => new Fault('forbidden', message, { cause })
  try {
    await spawn('/bin/sh', ['-c', 'cd -- "$1"', 'sh', path], { ...options, cwd: '/', as: owner, fail })
    return []
  } catch (error) {
    if (!Fault.is(error, 'forbidden')) throw error
    return [
      `user ${owner.uid} cannot reach ${path}: open the directories above it to him, or the database does not start`,
    ]
  }
}

/** Takes the marker away: the last act of a restore. */
export async function releaseTarget(path: string): Promise<void> {
  await rm(join(path, MARKER))
  await syncDirectory(path)
}

/** Removes all that a restore wrote into its target, the marker last: what is left half-way does not start. */
export async function emptyTarget(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (name !== MARKER) await rm(join(path, name), { recursive: true, force: true, maxRetries: 3 })
  }
  await rm(join(path, MARKER), { force: true })
  await syncDirectory(path)
}

/** The longest part of the path that exists, resolved, and what is missing below it. */
async function resolve(directory: string): Promise<{ existing: string; missing: string[] }> {
  const missing: string[] = []
  for (let at = directory; ; at = dirname(at)) {
    try {
      return { existing: await realpath(at), missing }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw targetFault(error, `restore into ${directory}`)
      missing.unshift(at.slice(dirname(at).length).replace(/^\//, ''))
    }
  }
}

const taken = (path: string, what: string): Fault =>
  new Fault('conflict', `restore into ${path}: ${what}`, { hint: 'Name a directory that does not exist or is empty.' })

async function checkEmpty(path: string): Promise<void> {
  const info = await stat(path)
  if (!info.isDirectory()) throw taken(path, 'not a directory')
  const found = await readdir(path).catch((error: unknown) => {
    throw targetFault(error, `restore into ${path}`)
  })
  const [first] = found
  if (first === undefined) return
  if (!found.includes(MARKER)) throw taken(path, `not empty (${first})`)
  throw new Fault('conflict', `restore into ${path}: not empty, a restore that was cut short left it (${MARKER})`, {
    hint: 'Remove the directory, or name another one, and restore again.',
  })
}

/** All of a restore lies below its target, which is on one file system: that of the nearest directory that exists. */
async function checkRoom(existing: string, path: string, bytes: number): Promise<void> {
  const free = await freeBytes(existing)
  if (free >= bytes + SPARE) return
  throw new Fault('target_full', `restore into ${path}: ${free} bytes are free there, ${bytes + SPARE} are needed`, {
    hint: 'Free space there or restore to another place. Nothing was written.',
  })
}

/** Bytes that are free on the file system of a path that exists. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** Makes the entries of newly made directories durable, up to the one that was there. */
async function syncUpTo(path: string, existing: string): Promise<void> {
  for (let at = path; at !== existing; at = dirname(at)) await syncDirectory(dirname(at))
}
