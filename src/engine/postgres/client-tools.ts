import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import { majorOf, pathDirectories } from './binaries.ts'

/** A client program of PostgreSQL, found on this machine. */
export interface Tool {
  readonly path: string
  /** What `--version` says: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string
}

export type ToolName = 'pg_dump' | 'pg_dumpall' | 'pg_restore'

/** So many major versions above the wanted one are looked for where distributions put them. */
const NEWER = 6

/**
 * A client program that can speak to a server of this major version: of that version, else the nearest newer one, since an older
 * one refuses. Looked for in `binDirs` (and a `bin` below each), where Debian and Red Hat put them, and in PATH. Fault
 * 'unsupported' that names the package to install when there is none.
 */
export async function findTool(
  name: ToolName,
  major: number,
  binDirs: readonly string[],
  options: Options = {},
): Promise<Tool> {
  const tools: Tool[] = []
  for (const directory of await directoriesFor(major, binDirs, options)) {
    const tool = await toolIn(directory, name, options)
    if (tool && majorOf(tool.version) === major) return tool
    if (tool) tools.push(tool)
  }
  const newer = tools.filter(({ version }) => majorOf(version) > major)
  const [nearest] = newer.toSorted((a, b) => majorOf(a.version) - majorOf(b.version))
  if (nearest) return nearest
  throw missing(name, major, tools)
}

async function directoriesFor(major: number, binDirs: readonly string[], options: Options): Promise<string[]> {
  const given = binDirs.flatMap((directory) => [directory, join(directory, 'bin')])
  const majors = Array.from({ length: NEWER }, (_, more) => major + more)
  const usual = majors.flatMap((one) => [`/usr/lib/postgresql/${one}/bin`, `/usr/pgsql-${one}/bin`])
  return [...given, ...usual, '/usr/local/pgsql/bin', ...(await pathDirectories(options))]
}

function missing(name: ToolName, major: number, tools: readonly Tool[]): Fault {
  const old = tools.map(({ path, version }) => `${path} is ${version}`)
  const found = old.length === 0 ? 'this machine has none' : `too old: ${[...new Set(old)].join(', ')}`
  return new Fault('unsupported', `find ${name} of PostgreSQL ${major} or newer: ${found}`, {
    hint: `Install the package postgresql-client-${major} (Debian and Ubuntu), or name the directory of ${name} in restore.binDirs.`,
  })
}

async function toolIn(directory: string, name: ToolName, options: Options): Promise<Tool | undefined> {
  const path = join(directory, name)
  const runs = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!runs) return undefined
  const fail = (message: string, cause?: unknown) => new Fault('unsupported', message, { cause })
  // One that cannot run here (another architecture, a missing library) is none.
  const said = await spawn(path, ['--version'], { ...options, fail }).catch((error: unknown) => {
    if (Fault.is(error)) return undefined
    throw error
  })
  const version = said?.stdout.match(/\(PostgreSQL\) (\S.*)/)?.[1]
  return version === undefined ? undefined : { path, version: version.trim() }
}
