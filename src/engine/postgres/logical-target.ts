import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { LogicalDatabase, LogicalFacts } from '../../core/manifest.ts'
import type { IntoRequest } from '../engine.ts'
import type { Ask, InDatabase } from './ask.ts'

/** The running server that a set goes into. */
export interface TargetServer {
  readonly major: number
  readonly versionText: string
  readonly role: string
  readonly isSuperuser: boolean
  readonly roles: ReadonlySet<string>
  readonly tablespaces: ReadonlySet<string>
  readonly databases: ReadonlySet<string>
  /** Version that each extension would be created with, by name. */
  readonly extensions: ReadonlyMap<string, string>
  /** Roles that things may be given to. */
  readonly grantable: ReadonlySet<string>
}

interface Row {
  readonly version_num: number
  readonly version_text: string
  readonly is_replica: boolean
  readonly role: string
  readonly is_superuser: boolean
  readonly may_create: boolean
  readonly roles: readonly string[]
  readonly grantable: readonly string[]
  readonly tablespaces: readonly string[]
  readonly databases: readonly string[]
}

const TARGET_SQL = `
  select
    current_setting('server_version_num')::int as version_num,
    current_setting('server_version') as version_text,
    pg_is_in_recovery() as is_replica,
    current_user::text as role,
    (select rolsuper from pg_roles where rolname = current_user) as is_superuser,
    (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) as may_create,
    array(select rolname::text from pg_roles) as roles,
    array(select rolname::text from pg_roles where pg_has_role(current_user, oid, 'MEMBER')) as grantable,
    array(select spcname::text from pg_tablespace) as tablespaces,
    array(select datname::text from pg_database) as databases`

/** Asks the target what it is. Fault 'instance_unready' when nothing can be restored into it, or not by our role. */
export async function readTarget(ask: Ask): Promise<TargetServer> {
  const [row] = await ask<Row>(TARGET_SQL)
  if (!row) throw new Error('a select without a from gave no row')
  if (row.is_replica) {
    throw new Fault('instance_unready', 'restore into the server: it is a replica, which takes no writes', {
      hint: 'Name its primary.',
    })
  }
  if (!row.may_create) {
    throw new Fault('instance_unready', `restore into the server: the role ${row.role} may not create databases`, {
      hint: `Run: ALTER ROLE ${pg.escapeIdentifier(row.role)} CREATEDB;`,
    })
  }
  const extensions = await ask<{ name: string; version: string }>(
    'select name::text, default_version as version from pg_available_extensions',
  )
  return {
    major: Math.floor(row.version_num / 10_000),
    versionText: row.version_text,
    role: row.role,
    isSuperuser: row.is_superuser,
    roles: new Set(row.roles),
    grantable: new Set(row.grantable),
    tablespaces: new Set(row.tablespaces),
    databases: new Set(row.databases),
    extensions: new Map(extensions.map(({ name, version }) => [name, version])),
  }
}

/** What the set itself brings along. */
export interface Brought {
  readonly roles: ReadonlySet<string>
  readonly tablespaces: ReadonlySet<string>
}

const NOTHING: Brought = { roles: new Set(), tablespaces: new Set() }

/**
 * Holds what databases of the set need against what the target has: roles, extensions, tablespaces. Fault 'instance_unready' that
 * names what is missing; gives what is worth a warning.
 */
export function checkNeeds(
  target: TargetServer,
  facts: LogicalFacts,
  databases: readonly LogicalDatabase[],
  { owners, tablespaces }: Pick<IntoRequest, 'owners' | 'tablespaces'>,
  brought: Brought = NOTHING,
): string[] {
  const major = Math.floor(facts.serverVersion / 10_000)
  if (owners) checkRoles(target, databases, brought)
  const missing = needed(databases, ({ extensions }) => extensions.map(({ name }) => name)).filter(
    (name) => !target.extensions.has(name),
  )
  if (missing.length > 0) {
    throw new Fault('instance_unready', `restore into the server: it does not have the extensions ${listOf(missing)}`, {
      hint: `Install their packages on its machine (on Debian often postgresql-${target.major}-NAME, or postgresql-${target.major} itself).`,
    })
  }
  if (tablespaces) checkTablespaces(target, databases, brought)
  return [
    ...(target.major < major
      ? [`the set is of PostgreSQL ${facts.serverVersionText}, the server is the older ${target.versionText}`]
      : []),
    ...otherVersions(target, databases),
  ]
}

function checkRoles(target: TargetServer, databases: readonly LogicalDatabase[], brought: Brought): void {
  const roles = needed(databases, (one) => one.roles)
  const missing = roles.filter((name) => !target.roles.has(name) && !brought.roles.has(name))
  if (missing.length > 0) {
    throw new Fault('instance_unready', `restore into the server: it does not have the roles ${listOf(missing)}`, {
      hint: 'Create them there, restore the whole set, which brings its roles along, or leave ownership and rights out (--no-owner).',
    })
  }
  const barred = target.isSuperuser ? [] : roles.filter((name) => !target.grantable.has(name))
  if (barred.length === 0) return
  throw new Fault(
    'instance_unready',
    `restore into the server: the role ${target.role} may give nothing to the roles ${listOf(barred)}`,
    { hint: 'Restore as a superuser or a member of them, or leave ownership and rights out (--no-owner).' },
  )
}

function checkTablespaces(target: TargetServer, databases: readonly LogicalDatabase[], brought: Brought): void {
  const missing = needed(databases, (one) => one.tablespaces).filter(
    (name) => !target.tablespaces.has(name) && !brought.tablespaces.has(name),
  )
  if (missing.length === 0) return
  throw new Fault('instance_unready', `restore into the server: it does not have the tablespaces ${listOf(missing)}`, {
    hint: 'Create them there, or put everything into the default one (--no-tablespaces).',
  })
}

function otherVersions(target: TargetServer, databases: readonly LogicalDatabase[]): string[] {
  const all = databases.flatMap(({ name, extensions }) => extensions.map((one) => ({ database: name, ...one })))
  return all
    .filter(({ name, version }) => target.extensions.get(name) !== version)
    .map(
      ({ database, name, version }) =>
        `the extension ${name} of database ${pg.escapeIdentifier(database)} was ${version}, the server has ${target.extensions.get(name)}`,
    )
}

const needed = (databases: readonly LogicalDatabase[], of: (one: LogicalDatabase) => readonly string[]): string[] => [
  ...new Set(databases.flatMap(of)),
]

const listOf = (names: readonly string[]) => names.map((name) => pg.escapeIdentifier(name)).join(', ')

/** Whether anything of a user's is in a database. */
const FILLED_SQL = `
  select exists (select from pg_class where oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace)
    or exists (select from pg_proc where oid >= 16384) or exists (select from pg_namespace where oid >= 16384 and nspname !~ '^pg_')
    or exists (select from pg_type where oid >= 16384) or exists (select from pg_largeobject_metadata)
    or exists (select from pg_extension where extname <> 'plpgsql') as filled,
    pg_encoding_to_char((select encoding from pg_database where datname = current_database())) as encoding,
    (select datcollate from pg_database where datname = current_database()) as collate`

/**
 * Sees to it that a database of the target that has this name already can be filled: it is empty, and of the same encoding and
 * order of text. Fault 'conflict' when it is not.
 */
export async function checkEmpty(name: string, database: LogicalDatabase, inDatabase: InDatabase): Promise<void> {
  const [row] = await inDatabase(name, (ask) => ask<{ filled: boolean; encoding: string; collate: string }>(FILLED_SQL))
  if (row?.filled !== false) {
    throw new Fault('conflict', `restore database ${pg.escapeIdentifier(name)}: the server has one that is not empty`, {
      hint: 'Rename or drop that one, or name the databases that you want one by one (--database), under other names (--as).',
    })
  }
  const { provider, locale } = database.collation
  const other = row.encoding !== database.encoding || (provider === 'libc' && row.collate !== locale)
  if (!other) return
  throw new Fault(
    'conflict',
    `restore database ${pg.escapeIdentifier(name)}: that of the server is ${row.encoding} in the order of ${row.collate}, the set's is ${database.encoding} in that of ${locale}`,
    { hint: 'Drop the empty database of the server, or restore under another name (--as).' },
  )
}
