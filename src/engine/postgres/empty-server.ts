import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import type { Restored, Target } from '../engine.ts'
import type { Binaries } from './binaries.ts'
import { freePort } from './restore-port.ts'
import { makeSocketDirectory } from './restore-socket.ts'
import { accountFor } from './restore-start.ts'
import { claimTarget } from './restore-target.ts'

export interface EmptyServer {
  readonly binaries: Binaries
  /** Of its own databases. */
  readonly encoding: string
  readonly locale: string
  readonly superuser: string
  /** Bytes that are going to be put into it, for which there must be room. */
  readonly bytes: number
}

/** Below the target, until it is whole: nobody takes it for a database. */
export const LOADING = 'data.loading'

/** Nobody but us comes in, and what a crash leaves of it is of no use: it need not survive one. */
const SETTINGS = {
  listen_addresses: "''",
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_locks_per_transaction: '256',
  lc_messages: "'C'",
}

/**
 * Makes a new server in `target`, laid out like a restored one, but in `data.loading` and set for being filled. Faults of a target that
 * is not empty or has no room; 'unsupported' with what initdb said.
 */
export async function makeEmptyServer(target: Target, server: EmptyServer, options: Options = {}): Promise<Restored> {
  const { binaries, encoding, locale, superuser, bytes } = server
  const root = await claimTarget(target, bytes)
  const socket = await makeSocketDirectory(root, target.owner)
  const port = await freePort()
  const data = join(root, LOADING)
  await spawn(
    join(binaries.directory, 'initdb'),
    // Below the directory that it is run in: nothing reads a path as more than a path.
    ['--pgdata', LOADING, '--username', superuser, '--encoding', encoding, '--locale', locale]
      // Nobody reaches the socket's directory but its owner.
      .concat(['--auth-local', 'trust', '--auth-host', 'reject', '--no-sync', '--no-instructions']),
    { signal: options.signal, as: await accountFor(root, target.owner), cwd: root, fail },
  )
  const settings = { ...SETTINGS, port: String(port), unix_socket_directories: quoted(socket.directory) }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  await appendFile(join(data, 'postgresql.conf'), lines.join(''))
  return {
    dataDirectory: data,
    startCommand: [binaries.postgres, '-D', data],
    port,
    socketDirectory: socket.directory,
    superuser,
    files: 0,
    bytes: 0,
    warnings: socket.warnings,
  }
}

const fail = (message: string, cause?: unknown) => new Fault('unsupported', `make a new server: ${message}`, { cause })

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
