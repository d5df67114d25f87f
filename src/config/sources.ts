import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { CONFIG_KEYS, type ConfigKey } from './keys.ts'
import { nearestName } from './nearest.ts'

/** One thing wrong with the configuration, and what to do about it. */
export interface Problem {
  /** Path of the setting, or the file or variable it came from. */
  readonly path: string
  readonly what: string
  readonly hint: string | undefined
}

/** Settings as they were written, and for each path where it was written. */
export interface Collected {
  readonly raw: Record<string, unknown>
  /** Path of a setting → the words that name its source. Absent: the file. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables of this prefix that are not settings of the service: the client's own, and where the file is. */
export const OTHER_VARIABLES = [
  'HOLDFAST_CONFIG',
  'HOLDFAST_ENDPOINT',
  'HOLDFAST_ACCESS_KEY_ID',
  'HOLDFAST_ACCESS_KEY_SECRET',
  'HOLDFAST_ACCESS_KEY_SECRET_FILE',
  'HOLDFAST_CLIENT_CONFIG',
]

/** Kubernetes puts these into every container beside a service named `holdfast`; HOLDFAST_TEST_ is for the tests' own. */
const NOT_OURS = /^HOLDFAST_(SERVICE_(HOST|PORT)(_.+)?|PORT(_\d+_(TCP|UDP)(_.+)?)?|TEST_.+)$/

/** Lays environment over file and flags over environment. Nothing is checked here but that names are known and texts can be read. */
export function collect(
  file: string | undefined,
  env: Environment,
  flags: Readonly<Record<string, string>>,
): Collected {
  const problems: Problem[] = []
  const raw = file === undefined ? {} : readFile(file, problems)
  const origins = new Map<string, string>()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('HOLDFAST_') || text === undefined) continue
    if (OTHER_VARIABLES.includes(name) || NOT_OURS.test(name)) continue
    const key = CONFIG_KEYS.find((known) => known.env === name)
    if (key) overlay(raw, origins, key, text, name)
    else
      problems.push(
        unknown(name, 'environment variable', [...CONFIG_KEYS.map((known) => known.env), ...OTHER_VARIABLES]),
      )
  }
  for (const [path, text] of Object.entries(flags)) {
    const key = CONFIG_KEYS.find((known) => known.path === path)
    if (key) overlay(raw, origins, key, text, `--set ${path}`)
    else
      problems.push(
        unknown(
          path,
          'setting',
          CONFIG_KEYS.map((known) => known.path),
        ),
      )
  }
  return { raw, origins, problems }
}

/** The problem that `name` is none of `names`, with the nearest one as the hint. */
export function unknown(name: string, what: string, names: readonly string[]): Problem {
  const near = nearestName(name, names)
  return {
    path: name,
    what: `no such ${what}`,
    hint: near === undefined ? "'holdfast config sample' lists every setting." : `Did you mean ${near}?`,
  }
}

function readFile(file: string, problems: Problem[]): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message
    problems.push({ path: file, what: reason, hint: "Write one with 'holdfast config sample'." })
    return {}
  }
  const document = parseDocument(text)
  for (const error of document.errors) {
    problems.push({ path: file, what: error.message.split('\n')[0] ?? 'no YAML', hint: 'The file must be YAML.' })
  }
  if (document.errors.length > 0) return {}
  const value: unknown = document.toJS()
  if (isSection(value)) return withoutEmpty(value)
  if (value !== null) problems.push({ path: file, what: 'holds no settings', hint: 'The file must be a YAML mapping.' })
  return {}
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A section or setting left empty is as if it were not there: a sample with all its lines commented out is valid. */
function withoutEmpty(section: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(section).filter(([, value]) => value !== null)
  return Object.fromEntries(kept.map(([name, value]) => [name, isSection(value) ? withoutEmpty(value) : value]))
}

function overlay(
  raw: Record<string, unknown>,
  origins: Map<string, string>,
  key: ConfigKey,
  text: string,
  origin: string,
): void {
  const names = key.path.split('.')
  const last = names.pop() ?? ''
  let section = raw
  for (const name of names) {
    const inner = section[name]
    section = section[name] = isSection(inner) ? inner : {}
  }
  section[last] = fromText(key, text)
  origins.set(key.path, origin)
}

/** What a text means for a setting; the text itself where it has another form, for the schema to refuse. */
function fromText(key: ConfigKey, text: string): unknown {
  if (key.form === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (key.form === 'array') return listOf(text)
  if (key.form === 'string') return text
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** `a, b`, or a JSON array where an item has a comma in it. */
function listOf(text: string): unknown {
  if (text === '') return []
  if (!text.startsWith('[')) return text.split(',').map((item) => item.trim())
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
