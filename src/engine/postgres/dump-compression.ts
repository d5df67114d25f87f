import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import { majorOf } from './binaries.ts'
import type { Tool } from './client-tools.ts'

/** The first major version whose programs may know zstd: it is a matter of how they were built. */
const KNOWS_ZSTD = 16

/**
 * Up to this level pg_dump keeps up with its server, and hands over a third of the bytes. It compresses in one thread: above it the
 * frames of the set, which are compressed side by side, are faster.
 */
const LARGEST_OWN_LEVEL = 3

/** The option that leaves compression to the frames. */
export const NO_COMPRESSION = '--compress=0'

/**
 * The option by which pg_dump shall compress the rows itself: zstd of the set's level where it knows that, nothing otherwise. `level` is
 * that of the set's frames; absent stands for one that is left to them.
 */
export async function dumpCompression(tool: Tool, level: number | undefined, options: Options = {}): Promise<string> {
  const own = level !== undefined && level <= LARGEST_OWN_LEVEL && (await knowsZstd(tool, options))
  return own ? `--compress=zstd:${level}` : NO_COMPRESSION
}

/** A directory that no socket can be in. */
const NOWHERE = '/dev/null/none'

/** Whether a pg_dump was built with zstd. It says that it was not before it looks for a server. */
async function knowsZstd({ path, version }: Tool, options: Options = {}): Promise<boolean> {
  if (majorOf(version) < KNOWS_ZSTD) return false
  const fail = (message: string, cause?: unknown) => new Fault('unsupported', message, { cause })
  const args = ['--format=custom', '--compress=zstd:1', '--no-password', `--dbname=host=${NOWHERE}`]
  const said = await spawn(path, args, { ...options, fail }).catch((error: unknown) => {
    if (Fault.is(error)) return error.message
    throw error
  })
  return typeof said === 'string' && said.includes(NOWHERE)
}
