import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import { endWithUs } from '../../lib/end-with-us.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import type { Restored } from '../engine.ts'
import type { Owner } from './restore-owner.ts'
import { isFree, freePort } from './restore-port.ts'

export interface StartOptions extends Options {
  /** Whom the server runs as when we are root: the owner given to the restore. */
  readonly owner?: Owner
  /** Ends at once when we do, however we end. */
  readonly endsWithUs?: boolean | undefined
  /** How long recovery may take; an hour when absent. */
  readonly seconds?: number | undefined
}

export interface StartedServer extends AsyncDisposable {
  /** Over its socket, as its superuser, without a password. */
  readonly address: NodeAddress
  /** Its TCP port, which is another than the restored one's when that was taken meanwhile. */
  readonly port: number
  /** Stops it: fast, its clients cut off. Stopping a stopped one is no error. */
  stop(): Promise<void>
}

/**
 * Starts a restored server and resolves when it has recovered and accepts connections. It goes on without us unless `endsWithUs`; `stop`
 * ends it.
 *
 * Fault 'engine_failed' with the end of its log when it does not come up, 'invalid' when we are root and no owner is given.
 */
export async function startRestored(restored: Restored, options: StartOptions = {}): Promise<StartedServer> {
  const { dataDirectory, socketDirectory, superuser } = restored
  const as = await accountFor(dataDirectory, options.owner)
  const port = (await isFree(restored.port)) ? restored.port : await freePort()
  const pgCtl = join(dirname(restored.startCommand[0] ?? ''), 'pg_ctl')
  // pg_ctl puts its arguments into a shell's line, where a path could be read as more than a path.
  const control = (args: readonly string[], { signal }: Options) =>
    spawn(pgCtl, [...args, '--pgdata', '.'], { as, cwd: dataDirectory, signal, fail })
  const log = join(dirname(dataDirectory), 'start.log')
  const stop = async (mode: 'fast' | 'immediate') => {
    if (await isRunning(dataDirectory)) await control(['stop', '--wait', '--mode', mode], {})
  }
  const seconds = ['--wait', '--timeout', String(options.seconds ?? 3600)]
  const leash = options.endsWithUs ? endWithUs(dataDirectory, PID_FILE) : undefined
  try {
    await control(['start', ...seconds, '--silent', '--log', '../start.log', '--options', `-p ${port}`], options)
  } catch (error) {
    await stop('immediate').catch(() => undefined)
    leash?.release()
    throw await withLog(error, log, as)
  }
  const address = { host: socketDirectory, port, user: superuser, database: 'postgres', sslMode: 'disable' } as const
  const end = async () => {
    await stop('fast')
    leash?.release()
  }
  return { address, port, stop: end, [Symbol.asyncDispose]: end }
}

const fail = (message: string, cause?: unknown) => new Fault('engine_failed', message, { cause })

/** Whom PostgreSQL's programs run as, which refuse to be root: whoever owns the files; undefined when that is us. Fault 'invalid' when nobody else does. */
export async function accountFor(dataDirectory: string, owner: Owner): Promise<Owner> {
  if (process.geteuid?.() !== 0) return undefined
  const { uid, gid } = owner ?? (await stat(dataDirectory))
  if (uid !== 0) return { uid, gid }
  throw new Fault('invalid', `start ${dataDirectory}: it belongs to root, and PostgreSQL does not run as root`, {
    hint: 'Restore with an owner (restore.owner), or give the directory to the user whom PostgreSQL runs as.',
  })
}

/** In a data directory, as long as a server runs there. */
const PID_FILE = 'postmaster.pid'

const isRunning = (dataDirectory: string): Promise<boolean> =>
  stat(join(dataDirectory, PID_FILE)).then(
    () => true,
    () => false,
  )

/** The failure with what the server itself said last, which is the reason that helps. */
async function withLog(error: unknown, log: string, as: Owner): Promise<unknown> {
  if (!Fault.is(error, 'engine_failed')) return error
  const tail = await spawn('tail', ['-n', '8', log], { as, fail }).catch(() => undefined)
  const said = tail?.stdout.trim().replaceAll('\n', '; ') ?? ''
  return said === '' ? error : fail(`start the restored server: ${said}`, error)
}
