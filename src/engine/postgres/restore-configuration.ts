import type { PostgresFacts } from '../../core/manifest.ts'
import { formatLibraries, parseLibraries } from './libraries.ts'
import { JOB_LIBRARIES, JOB_SETTINGS, OUTSIDE_SETTINGS, overridesFor, PLACE_SETTINGS } from './overrides.ts'
import { capMemory } from './restore-memory.ts'

/** What the machine of the restore has, as far as a configuration depends on it. */
export interface Machine {
  /** Bytes of memory. */
  readonly memory: number
  /** Whether a library of this name can be loaded; undefined when that cannot be told. */
  readonly hasLibrary: (name: string) => boolean | undefined
  /** Whether the system knows this locale; undefined when that cannot be told. */
  readonly hasLocale: (name: string) => boolean | undefined
  /** Whether a file is there: relative to the data directory, or absolute. */
  readonly hasFile: (path: string) => boolean
}

/** What a configuration takes over of the source. */
export type ConfigurationFacts = Pick<
  PostgresFacts,
  'serverVersion' | 'settings' | 'preloadLibraries' | 'hbaRules' | 'identRules'
>

export interface ConfigurationRequest {
  readonly facts: ConfigurationFacts
  readonly machine: Machine
  readonly port: number
  readonly socketDirectory: string
  readonly keepSideEffects: boolean
}

/** The files that a restored server starts with, and what to tell whoever restores. */
export interface Configuration {
  readonly postgresql: string
  readonly hba: string
  readonly ident: string
  readonly port: number
  readonly warnings: readonly string[]
}

/**
 * A configuration for a restored server: what the set recorded of its source, then our overrides, which keep it from
 * touching the source's surroundings. See docs/decisions/0002.
 */
export function makeConfiguration(request: ConfigurationRequest): Configuration {
  const { facts, keepSideEffects } = request
  const warnings: string[] = []
  const recorded = takeOver(request, warnings)
  const own = keepSideEffects ? ownSocket(request) : { ...overridesFor(majorIn(facts)), ...ownListener(request) }
  const port = keepSideEffects ? Number(recorded['port'] ?? 5432) : request.port
  return {
    postgresql: [
      '# Written by Holdfast for a restored server; the original, if the set had one, is postgresql.conf.original.',
      '# What the source was set to:',
      ...lines(recorded),
      '',
      keepSideEffects
        ? '# The side effects of the source were asked to be kept.'
        : '# What keeps this server from touching the surroundings of its source. Remove with care.',
      ...lines(own),
      '',
    ].join('\n'),
    hba: keepSideEffects && facts.hbaRules.length > 0 ? rules(facts.hbaRules) : OWN_HBA,
    ident: keepSideEffects ? rules(facts.identRules) : '',
    port,
    warnings,
  }
}

export const majorIn = (facts: Pick<PostgresFacts, 'serverVersion'>): number => Math.floor(facts.serverVersion / 10_000)

/** A setting's value as postgresql.conf holds it: quoted, with quotes, backslashes and line breaks escaped. */
export const quoteSetting = (value: string): string =>
  `'${value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll("'", "''")
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}'`

const OWN_HBA = `# Written by Holdfast for a restored server; the original, if the set had one, is pg_hba.conf.original.
# The socket lies in a directory of mode 0700, so only its owner and root come in without a password.
local all all trust
# md5 also means SCRAM, for roles whose password is kept that way.
host all all 127.0.0.1/32 md5
host all all ::1/128 md5
host replication all 127.0.0.1/32 md5
host replication all ::1/128 md5
`

const lines = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).map(([name, value]) => `${name} = ${quoteSetting(value)}`)

/** Anything else could be read as more than a name. */
const SETTING_NAME = /^[a-z_][\w$]*(\.[a-z_][\w$]*)*$/i

const rules = (all: readonly string[]): string =>
  `# What the source had:\n${all.filter((rule) => !/[\n\r]/.test(rule)).join('\n')}\n`

const ownListener = ({ port, socketDirectory }: ConfigurationRequest) => ({
  listen_addresses: '127.0.0.1',
  port: String(port),
  unix_socket_directories: socketDirectory,
  unix_socket_permissions: '0700',
})

const ownSocket = ({ facts, socketDirectory, machine }: ConfigurationRequest) => {
  const theirs = (facts.settings['unix_socket_directories'] ?? '').split(',').map((path) => path.trim())
  const there = theirs.filter((path) => path !== '' && machine.hasFile(path))
  return { unix_socket_directories: [socketDirectory, ...there].join(', ') }
}

/** The recorded settings that make sense here, each problem with one said. */
function takeOver(request: ConfigurationRequest, warnings: string[]): Record<string, string> {
  const { facts, machine, keepSideEffects } = request
  const kept = Object.entries(facts.settings).filter(([name, value]) => {
    if (PLACE_SETTINGS.has(name) || !SETTING_NAME.test(name)) return false
    if (keepSideEffects) return true
    return !OUTSIDE_SETTINGS.has(name) && !value.startsWith('/')
  })
  const settings = Object.fromEntries(kept)
  withLibraries(settings, request, warnings)
  withLocales(settings, machine, warnings)
  withTls(settings, request, warnings)
  const memory = capMemory(settings, machine.memory)
  if (memory) warnings.push(memory)
  // Both only work where the kernel was prepared for them.
  if (settings['huge_pages'] === 'on') settings['huge_pages'] = 'try'
  if (settings['io_method'] === 'io_uring') delete settings['io_method']
  return settings
}

function withLibraries(settings: Record<string, string>, request: ConfigurationRequest, warnings: string[]): void {
  const { facts, machine, keepSideEffects } = request
  const recorded: Record<string, string> = {
    ...facts.settings,
    shared_preload_libraries: formatLibraries(facts.preloadLibraries),
  }
  for (const setting of ['shared_preload_libraries', 'session_preload_libraries', 'local_preload_libraries'] as const) {
    const wanted = parseLibraries(recorded[setting] ?? '')
    const missing = wanted.filter((name) => machine.hasLibrary(name) === false)
    const jobs = keepSideEffects ? [] : wanted.filter((name) => JOB_LIBRARIES.has(name))
    const left = wanted.filter((name) => !missing.includes(name) && !jobs.includes(name))
    if (left.length > 0) settings[setting] = formatLibraries(left)
    else delete settings[setting]
    if (!keepSideEffects) for (const name of left) Object.assign(settings, JOB_SETTINGS[name])
    if (jobs.length > 0) warnings.push(`left out of ${setting}, since they do things by themselves: ${jobs.join(', ')}`)
    if (missing.length > 0) {
      const major = majorIn(facts)
      warnings.push(
        `left out of ${setting}, since they are not installed here: ${missing.join(', ')}; ` +
          `install their packages (on Debian often postgresql-${major}-NAME) and add them again`,
      )
    }
  }
}

function withLocales(settings: Record<string, string>, machine: Machine, warnings: string[]): void {
  for (const name of ['lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time']) {
    const locale = settings[name]
    if (locale === undefined || machine.hasLocale(locale) !== false) continue
    settings[name] = 'C'
    warnings.push(`${name} is C instead of ${locale}, which this machine does not have`)
  }
}

/** TLS stays on only when its files came with the set, or, when side effects are kept, are on this machine. */
function withTls(settings: Record<string, string>, request: ConfigurationRequest, warnings: string[]): void {
  const wanted = request.facts.settings
  if (wanted['ssl'] !== 'on') return
  const files = [wanted['ssl_cert_file'] || 'server.crt', wanted['ssl_key_file'] || 'server.key']
  const optional = [wanted['ssl_ca_file'], wanted['ssl_crl_file'], wanted['ssl_crl_dir'], wanted['ssl_dh_params_file']]
  const all = [...files, ...optional.filter((path) => path !== undefined && path !== '')] as string[]
  const usable = (path: string) => (request.keepSideEffects || !path.startsWith('/')) && request.machine.hasFile(path)
  const missing = all.filter((path) => !usable(path))
  if (missing.length === 0) return
  for (const name of Object.keys(settings)) if (/^ssl_.*_(file|dir)$/.test(name)) delete settings[name]
  settings['ssl'] = 'off'
  warnings.push(`TLS is off: the set does not hold ${missing.join(', ')}`)
}
