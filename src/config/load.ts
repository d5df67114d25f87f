import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { z } from 'zod'
import { Fault } from '../core/fault.ts'
import { combinationProblems } from './combinations.ts'
import { CONFIG_KEYS, type ConfigKey } from './keys.ts'
import type { Config } from './config.ts'
import { configSchema, type Settings } from './schema.ts'
import { collect, unknown, type Environment, type Problem } from './sources.ts'

export interface ConfigSources {
  /** YAML file; none when absent. Paths in it are relative to its directory. */
  readonly file?: string | undefined
  readonly env: Environment
  /** Path of a setting → its text, as given on the command line. */
  readonly flags: Readonly<Record<string, string>>
}

/** The configuration, or everything that is wrong with it. */
export type ConfigOutcome =
  | { readonly config: Config; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] }

/** Defaults < file < environment < flags, checked as a whole. Fault 'invalid' names every problem there is, not the first. */
export function loadConfig(sources: ConfigSources): Config {
  const outcome = checkConfig(sources)
  if (outcome.config) return outcome.config
  const lines = outcome.problems.map(formatProblem).map((line) => `\n  ${line}`)
  throw new Fault('invalid', `read the configuration: ${count(lines.length)}${lines.join('')}`, {
    hint: "'holdfast config sample' shows every setting with its meaning and default.",
  })
}

/** As `loadConfig`, but gives the problems instead of throwing them. */
export function checkConfig(sources: ConfigSources): ConfigOutcome {
  const collected = collect(sources.file, sources.env, sources.flags)
  const parsed = configSchema.safeParse(collected.raw)
  const problems = [
    ...collected.problems,
    ...(parsed.error?.issues ?? []).flatMap((issue) => explain(issue, collected.origins)),
  ]
  const settings = parsed.data ?? withoutOffenders(collected.raw, parsed.error)
  const config = settings && derive(absolute(settings, collected.origins, sources.file))
  const further = config ? combinationProblems(config) : []
  problems.push(...further.filter(({ path }) => !problems.some((known) => known.path === path)))
  return config && problems.length === 0 ? { config: deepFreeze(config) } : { problems }
}

/** `api.port: must be … (HOLDFAST_API_PORT). What to do.` */
export const formatProblem = ({ path, what, hint }: Problem): string => `${path}: ${what}${hint ? `. ${hint}` : ''}`

const count = (problems: number) => (problems === 1 ? '1 problem' : `${problems} problems`)

type Issue = z.core.$ZodIssue

function explain(issue: Issue, origins: ReadonlyMap<string, string>): Problem[] {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const below = path === '' ? '' : `${path}.`
    const known = CONFIG_KEYS.map((key) => key.path)
    return issue.keys.map((key) => unknown(below + key, 'setting', [...known, ...known.map(section)]))
  }
  const origin = originOf(path, origins)
  const key = CONFIG_KEYS.find((known) => path === known.path || path.startsWith(`${known.path}.`))
  return [{ path, what: expectation(issue, key) + (origin ? ` (from ${origin})` : ''), hint: key?.about }]
}

const section = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('.')))

function originOf(path: string, origins: ReadonlyMap<string, string>): string | undefined {
  for (let at = path; at !== ''; at = section(at)) {
    const origin = origins.get(at)
    if (origin !== undefined) return origin
  }
  return undefined
}

function expectation(issue: Issue, key: ConfigKey | undefined): string {
  if (issue.code === 'invalid_format')
    return issue.message.startsWith('must') ? issue.message : 'has not the right form'
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty'
  return ['must be', key ? FORMS[key.form] : 'a section of settings', ...(key ? bounds(key) : [])].join(' ')
}

const FORMS = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
}

function* bounds({ least, above, most }: ConfigKey): Generator<string> {
  if (least !== undefined) yield `from ${least}`
  if (above !== undefined) yield `above ${above}`
  if (most !== undefined) yield `up to ${most}`
}

/** The settings with every refused one left out, so that rules over several settings can still be checked. */
function withoutOffenders(raw: Record<string, unknown>, error: z.ZodError | undefined): Settings | undefined {
  const rest = structuredClone(raw)
  for (const issue of error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) remove(rest, [...issue.path, key])
    else remove(rest, issue.path)
  }
  return configSchema.safeParse(rest).data
}

function remove(from: Record<string, unknown>, path: readonly PropertyKey[]): void {
  const parents = path.slice(0, -1).map(String)
  const owner = parents.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], from)
  if (Array.isArray(owner)) remove(from, path.slice(0, -1))
  else if (owner && path.length > 0) delete (owner as Record<string, unknown>)[String(path.at(-1))]
}

/** Paths from the file are relative to its directory, all others to the working directory. */
function absolute(settings: Settings, origins: ReadonlyMap<string, string>, file: string | undefined): Settings {
  const fileBase = file === undefined ? process.cwd() : dirname(resolve(file))
  const at = <T extends string | undefined>(path: string, value: T) =>
    (value === undefined ? value : resolve(origins.has(path) ? process.cwd() : fileBase, value)) as T
  const { dataDir, keyFile, catalog, api, restore, drills, clones, encryption, alerts } = settings
  const tls = api.tls && { cert: at('api.tls.cert', api.tls.cert), key: at('api.tls.key', api.tls.key) }
  const sqlite = catalog.url?.startsWith('sqlite:') ? at('catalog.url', catalog.url.slice(7)) : undefined
  return {
    ...settings,
    dataDir: at('dataDir', dataDir),
    keyFile: at('keyFile', keyFile),
    catalog: {
      ...catalog,
      url: sqlite === undefined ? catalog.url : `sqlite:${sqlite}`,
      passwordFile: at('catalog.passwordFile', catalog.passwordFile),
    },
    api: { ...api, tls },
    alerts: {
      ...alerts,
      webhook: alerts.webhook && {
        ...alerts.webhook,
        secretFile: at('alerts.webhook.secretFile', alerts.webhook.secretFile),
      },
      email: alerts.email && {
        ...alerts.email,
        passwordFile: at('alerts.email.passwordFile', alerts.email.passwordFile),
      },
    },
    drills: { ...drills, directory: at('drills.directory', drills.directory) },
    clones: { ...clones, directory: at('clones.directory', clones.directory) },
    encryption: { ...encryption, identityFile: at('encryption.identityFile', encryption.identityFile) },
    restore: {
      ...restore,
      roots: restore.roots.map((root) => at('restore.roots', root)),
      binDirs: restore.binDirs.map((directory) => at('restore.binDirs', directory)),
    },
  }
}

/** Fills in the defaults that are made from other settings. */
function derive(settings: Settings): Config {
  const { dataDir, keyFile, catalog, store, drills } = settings
  return {
    ...settings,
    keyFile: keyFile ?? resolve(dataDir, 'key'),
    catalog: { ...catalog, url: catalog.url ?? `sqlite:${resolve(dataDir, 'catalog.db')}` },
    drills: { ...drills, directory: drills.directory ?? resolve(dataDir, 'drills') },
    store: { url: store.url ?? pathToFileURL(resolve(dataDir, 'store')).href },
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object)
  return Object.freeze(value)
}
