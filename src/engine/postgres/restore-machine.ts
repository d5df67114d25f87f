import { existsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'
import type { Options } from '../../lib/streams.ts'
import { majorOf, type Binaries } from './binaries.ts'
import type { Machine } from './restore-configuration.ts'

export interface RestoreMachine extends Machine {
  /** Whether an extension of this name can be created; undefined when that cannot be told. */
  readonly hasExtension: (name: string) => boolean | undefined
  /** The version by which PostgreSQL knows the collations of the C library: `2.36`; undefined when it is not glibc. */
  readonly libcVersion: string | undefined
}

/** What this machine and these programs have for a cluster in `dataDirectory`. */
export async function inspectMachine(
  binaries: Binaries,
  dataDirectory: string,
  options: Options = {},
): Promise<RestoreMachine> {
  const [locales, libc, libraries, shared] = await Promise.all([
    said('locale', ['-a'], options),
    said('getconf', ['GNU_LIBC_VERSION'], options),
    programDirectory(binaries, '--pkglibdir', 'plpgsql.so', options),
    programDirectory(binaries, '--sharedir', 'extension/plpgsql.control', options),
  ])
  const known = new Set(locales?.split('\n').map(normalLocale))
  return {
    memory: totalmem(),
    hasLibrary: (name) => (libraries === undefined ? undefined : libraryIn(libraries, name)),
    hasExtension: (name) => (shared === undefined ? undefined : existsSync(join(shared, `extension/${name}.control`))),
    hasLocale: (name) =>
      locales === undefined ? undefined : ['', 'C', 'POSIX'].includes(name) || known.has(normalLocale(name)),
    hasFile: (path) => existsSync(isAbsolute(path) ? path : join(dataDirectory, path)),
    libcVersion: libc?.match(/^glibc (\S+)/)?.[1],
  }
}

const libraryIn = (directory: string, name: string): boolean =>
  existsSync(`${isAbsolute(name) ? name : join(directory, name)}.so`)

/** `en_US.UTF-8` and `en_US.utf8` are the same to the C library. */
const normalLocale = (name: string): string => {
  const [language = '', codeset] = name.trim().split('.')
  return codeset === undefined ? language : `${language}.${codeset.toLowerCase().replaceAll('-', '')}`
}

/** Where the programs keep their libraries or shared files: as pg_config says, else beside them, if `probe` lies there. */
async function programDirectory(
  binaries: Binaries,
  question: string,
  probe: string,
  options: Options,
): Promise<string | undefined> {
  const major = majorOf(binaries.version)
  const kind = question === '--pkglibdir' ? 'lib' : 'share'
  const answer = await said(join(binaries.directory, 'pg_config'), [question], options)
  const candidates = [
    answer?.trim(),
    join(binaries.directory, '..', kind),
    join(binaries.directory, '..', kind, 'postgresql'),
    `/usr/${kind}/postgresql/${major}${kind === 'lib' ? '/lib' : ''}`,
  ]
  return candidates.find((directory) => directory !== undefined && existsSync(join(directory, probe)))
}

/** What a program printed; undefined when it is not there or failed. */
async function said(command: string, args: readonly string[], options: Options): Promise<string | undefined> {
  const fail = (message: string, cause?: unknown) => new Fault('unsupported', message, { cause })
  try {
    return (await spawn(command, args, { ...options, fail })).stdout
  } catch (error) {
    if (Fault.is(error, 'unsupported')) return undefined
    throw error
  }
}
