import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'

/** The programs of one PostgreSQL, found on this machine. */
export interface Binaries {
  readonly directory: string
  readonly postgres: string
  readonly pgCtl: string
  /** What `postgres --version` says: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string
}

/**
 * The programs of this major version: looked for in `binDirs` (and a `bin` below each), then where Debian and Red Hat
 * put them, then in PATH; the first whose `postgres --version` says so. Fault 'unsupported' that names the package to
 * install when there are none.
 */
export async function findBinaries(
  major: number,
  binDirs: readonly string[],
  options: Options = {},
): Promise<Binaries> {
  const given = binDirs.flatMap((directory) => [directory, join(directory, 'bin')])
  const usual = [`/usr/lib/postgresql/${major}/bin`, `/usr/pgsql-${major}/bin`, `/usr/local/pgsql/bin`]
  const seen: string[] = []
  for (const directory of [...given, ...usual, ...(await pathDirectories(options))]) {
    const found = await binariesIn(directory, options)
    if (found && majorOf(found.version) === major) return found
    if (found) seen.push(`${directory} has ${found.version}`)
  }
  throw new Fault('unsupported', `find the programs of PostgreSQL ${major}: none on this machine${listOf(seen)}`, {
    hint: `Install the package postgresql-${major} (Debian and Ubuntu), or name their directory in restore.binDirs.`,
  })
}

/** The major version in `15.18 (Debian …)`, `18beta1` or `150018`'s text form; NaN when it has none. */
export const majorOf = (version: string): number => Number.parseInt(version, 10)

async function binariesIn(directory: string, options: Options): Promise<Binaries | undefined> {
  const postgres = join(directory, 'postgres')
  const pgCtl = join(directory, 'pg_ctl')
  if (!(await executable(postgres)) || !(await executable(pgCtl))) return undefined
  const fail = (message: string, cause?: unknown) => new Fault('unsupported', message, { cause })
  // One that cannot run here (another architecture, a missing library) is none.
  const said = await spawn(postgres, ['--version'], { ...options, fail }).catch((error: unknown) => {
    if (Fault.is(error)) return undefined
    throw error
  })
  const version = said?.stdout.match(/\(PostgreSQL\) (\S.*)/)?.[1]
  return version === undefined ? undefined : { directory, postgres, pgCtl, version: version.trim() }
}

const executable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** The directories of PATH. The shell knows them; this layer reads no environment. */
export async function pathDirectories(options: Options): Promise<string[]> {
  const fail = (message: string, cause?: unknown) => new Fault('unsupported', message, { cause })
  const { stdout } = await spawn('/bin/sh', ['-c', 'printf %s "$PATH"'], { ...options, fail })
  return stdout.split(':').filter((directory) => directory.startsWith('/'))
}

const listOf = (seen: readonly string[]): string => (seen.length === 0 ? '' : ` (${seen.join(', ')})`)
