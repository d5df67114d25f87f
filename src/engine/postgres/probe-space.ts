import { readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeAddress } from '../../core/instance.ts'
import type { Problem } from '../engine.ts'

/** Below both of these, little room is left for the WAL that a backup makes the server keep. */
const LEAST = 1024 ** 3
const SHARE = 0.05

/**
 * A warning when the file system of pg_wal is nearly full. SQL cannot tell free space, so only a server on this machine
 * whose data directory we can look into is judged; none for any other.
 */
export async function walSpaceProblem(
  address: NodeAddress,
  server: { readonly data_directory: string | null },
  size: number,
): Promise<Problem[]> {
  const { data_directory: data } = server
  if (data === null || !isHere(address.host)) return []
  const free = await freeIn(data, address.port)
  return free === undefined ? [] : spaceProblem(join(data, 'pg_wal'), free, size)
}

export function spaceProblem(directory: string, free: number, size: number): Problem[] {
  if (free >= Math.max(LEAST, size * SHARE)) return []
  return [
    {
      severity: 'warning',
      what: `only ${Math.floor(free / 2 ** 20)} MB are free for ${directory}, where the server keeps the WAL of a running backup`,
      fix: `Free space on the file system of ${directory}, or move pg_wal to a larger one.`,
    },
  ]
}

const isHere = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.')

/** A port on loopback may be forwarded to elsewhere, so the directory must say that this very server runs in it. */
async function freeIn(data: string, port: number): Promise<number | undefined> {
  try {
    const lock = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    if (lock[3] !== String(port)) return undefined
    const { bavail, bsize } = await statfs(join(data, 'pg_wal'))
    return bavail * bsize
  } catch {
    // Not here, or not ours to read: then nothing is known.
    return undefined
  }
}
