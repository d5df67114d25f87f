import { askIfAllowed, type Ask } from './ask.ts'
import { holdsSecret, withoutSecretOptions } from './facts-secrets.ts'

export interface RecordedSettings {
  /** Settings that configuration files or the command line gave, as SHOW tells them. */
  readonly settings: Readonly<Record<string, string>>
  /** Names of settings whose value seems to hold a secret, which are not recorded. */
  readonly withheld: readonly string[]
}

/**
 * Client settings are of our own connection, and internal ones are facts of the cluster. How a replica comes to its
 * primary is of no use to a restored server and holds a password. SHOW gives units to numbers, but some texts it replaces
 * (archive_command by '(disabled)').
 */
const SETTINGS_SQL = `
  select name, case when vartype = 'string' then reset_val else current_setting(name) end as value
  from pg_settings
  where source in ('configuration file', 'command line', 'environment variable') and context <> 'internal'
    and name <> 'primary_conninfo'
  order by name`

/** Names that nobody declared, which applications and libraries not loaded yet use: only the files themselves tell them. */
const UNDECLARED_SQL = `
  select f.name, f.setting as value
  from pg_file_settings f
  where f.applied and f.name like '%.%' and not exists (select from pg_settings s where s.name = f.name)
  order by 1`

/** What the server is set to, as far as our role may see it. */
export async function readSettings(ask: Ask): Promise<RecordedSettings> {
  const declared = await ask<{ name: string; value: string | null }>(SETTINGS_SQL)
  const rows = [
    ...declared,
    ...((await askIfAllowed<{ name: string; value: string | null }>(ask, UNDECLARED_SQL)) ?? []),
  ]
  const known = rows.map(({ name, value }) => ({ name, value: value ?? '' }))
  const withheld = known.filter(({ name, value }) => holdsSecret(name, value)).map(({ name }) => name)
  const open = known.filter(({ name }) => !withheld.includes(name))
  return { settings: Object.fromEntries(open.map(({ name, value }) => [name, value])), withheld }
}

interface HbaRow {
  readonly type: string
  readonly database: readonly string[] | null
  readonly user_name: readonly string[] | null
  readonly address: string | null
  readonly netmask: string | null
  readonly auth_method: string
  readonly options: readonly string[] | null
}

const HBA_SQL = `
  select type, database, user_name, address, netmask, auth_method, options
  from pg_hba_file_rules where error is null order by line_number`

/** The rules of pg_hba.conf, one line each, without the secrets in their options; undefined when our role may not see them. */
export async function readHbaRules(ask: Ask): Promise<string[] | undefined> {
  const rows = await askIfAllowed<HbaRow>(ask, HBA_SQL)
  return rows?.map((row) => {
    const names = [row.database, row.user_name].map((list) => (list ?? []).map(quoteRule).join(','))
    const address = [row.address, row.netmask].filter((part) => part !== null)
    const options = withoutSecretOptions(row.options ?? []).map(quoteOption)
    return [row.type, ...names, ...address, row.auth_method, ...options].join(' ')
  })
}

const IDENT_SQL = `
  select map_name, sys_name, pg_username from pg_ident_file_mappings where error is null order by line_number`

/** The lines of pg_ident.conf; undefined when our role may not see them, or the server (before 15) has no view of them. */
export async function readIdentRules(ask: Ask): Promise<string[] | undefined> {
  const rows = await askIfAllowed<{ map_name: string; sys_name: string; pg_username: string }>(ask, IDENT_SQL)
  return rows?.map(({ map_name, sys_name, pg_username }) => [map_name, sys_name, pg_username].map(quoteRule).join(' '))
}

/** The views tell `all` and "all" alike; what is no plain word is quoted. */
const quoteRule = (word: string): string => (/^[\w+@/.-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`)

const quoteOption = (option: string): string => {
  const [name = '', ...value] = option.split('=')
  return `${name}=${quoteRule(value.join('='))}`
}
