import { chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeOwned, type Owner } from './restore-owner.ts'

/** What a socket's address may have in bytes, less the name of the socket and the zero byte. */
const LONGEST = 107 - '/.s.PGSQL.65535'.length

/**
 * A directory of mode 0700 for a restored server's socket: `socket` in the target, or one among the system's temporary
 * directories when the target's path is too long for a socket.
 */
export async function makeSocketDirectory(
  root: string,
  owner: Owner,
): Promise<{ directory: string; warnings: string[] }> {
  const directory = join(root, 'socket')
  // A comma would divide the setting into two directories.
  if (Buffer.byteLength(directory) <= LONGEST && !directory.includes(',')) {
    await makeOwned(directory, owner)
    return { directory, warnings: [] }
  }
  const elsewhere = await mkdtemp(join(tmpdir(), 'holdfast-socket-'))
  if (owner) await chown(elsewhere, owner.uid, owner.gid)
  return {
    directory: elsewhere,
    warnings: [
      `the path of the target is too long for a socket, which is in ${elsewhere} instead: unix_socket_directories names it`,
    ],
  }
}
