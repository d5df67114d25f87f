import pg from 'pg'
import type { PostgresFacts } from '../../core/manifest.ts'
import { askIfAllowed, type Ask, type InDatabase } from './ask.ts'
import { readDatabaseFacts, type DatabaseFacts } from './facts-databases.ts'
import { readHbaRules, readIdentRules, readSettings } from './facts-settings.ts'
import { parseLibraries } from './libraries.ts'
import type { SizeEstimate } from './size-estimate.ts'

/** What a set records of the server it came from; the rest of PostgresFacts is known only once the backup is over. */
export type ServerFacts = Pick<
  PostgresFacts,
  | 'serverVersion'
  | 'serverVersionText'
  | 'architecture'
  | 'blockSize'
  | 'walSegmentSize'
  | 'dataChecksums'
  | 'encoding'
  | 'superuser'
  | 'collations'
  | 'extensions'
  | 'preloadLibraries'
  | 'settings'
  | 'hbaRules'
  | 'identRules'
  | 'configInDataDirectory'
  | 'dataDirectoryMode'
>

export interface GatheredFacts {
  readonly facts: ServerFacts
  /** Of all databases together; one that refuses us counts as empty. */
  readonly estimate: SizeEstimate
  /** What could not be recorded and why, in plain words. */
  readonly warnings: readonly string[]
}

/**
 * Asks a server for everything a restore must know of it. What our role may not see is left out and said in a warning;
 * a database that refuses us, too.
 */
export async function gatherFacts(ask: Ask, inDatabase: InDatabase): Promise<GatheredFacts> {
  const server = await readServer(ask)
  const { settings, withheld } = await readSettings(ask)
  const hba = await readHbaRules(ask)
  const ident = await readIdentRules(ask)
  const databases = await readDatabaseFacts(ask, inDatabase)
  const facts: ServerFacts = {
    ...serverPart(server),
    ...collected(databases),
    settings,
    hbaRules: hba ?? [],
    identRules: ident ?? [],
  }
  const warnings = [
    ...withheld.map((name) => `setting ${name} is not recorded, since it seems to hold a secret`),
    ...databases.flatMap(({ refusal }) => refusal ?? []),
    ...hidden(server, hba, ident),
  ]
  return { facts, estimate: sumOf(databases), warnings }
}

const sumOf = (databases: readonly DatabaseFacts[]): SizeEstimate => ({
  files: databases.reduce((sum, { estimate }) => sum + (estimate?.files ?? 0), 0),
  bytes: databases.reduce((sum, { estimate }) => sum + (estimate?.bytes ?? 0), 0),
})

interface ServerRow {
  readonly version: string
  readonly version_num: number
  readonly version_text: string
  readonly block_size: number
  readonly wal_segment_size: number
  readonly data_checksums: boolean
  readonly encoding: string
  readonly role: string
  readonly superuser: string | null
  readonly data_directory_mode: string
  readonly preload_libraries: string | null
  readonly data_directory: string | null
  readonly config_file: string | null
}

/** pg_settings shows no row of what our role may not see, where current_setting() would fail. */
const SERVER_SQL = `
  select
    version(),
    current_setting('server_version_num')::int as version_num,
    current_setting('server_version') as version_text,
    current_setting('block_size')::int as block_size,
    (select setting::int from pg_settings where name = 'wal_segment_size') as wal_segment_size,
    current_setting('data_checksums')::bool as data_checksums,
    current_setting('server_encoding') as encoding,
    current_user as role,
    (select rolname from pg_roles where oid = 10) as superuser,
    current_setting('data_directory_mode') as data_directory_mode,
    (select setting from pg_settings where name = 'shared_preload_libraries') as preload_libraries,
    (select setting from pg_settings where name = 'data_directory') as data_directory,
    (select setting from pg_settings where name = 'config_file') as config_file`

async function readServer(ask: Ask): Promise<ServerRow> {
  const [row] = await ask<ServerRow>(SERVER_SQL)
  if (!row) throw new Error('a select without a from gave no row')
  return row
}

const serverPart = (row: ServerRow) => ({
  serverVersion: row.version_num,
  serverVersionText: row.version_text,
  architecture: architectureIn(row.version),
  blockSize: row.block_size,
  walSegmentSize: row.wal_segment_size,
  dataChecksums: row.data_checksums,
  encoding: row.encoding,
  ...(row.superuser === null ? {} : { superuser: row.superuser }),
  preloadLibraries: parseLibraries(row.preload_libraries ?? ''),
  configInDataDirectory: row.config_file?.startsWith(`${row.data_directory}/`) ?? true,
  dataDirectoryMode: row.data_directory_mode.endsWith('750') ? ('0750' as const) : ('0700' as const),
})

/** `x86_64` in `PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by …`; empty when version() has another form. */
export const architectureIn = (version: string): string => / on ([^\s,-]+)-/.exec(version)?.[1] ?? ''

const collected = (databases: readonly DatabaseFacts[]) => ({
  collations: databases.flatMap(({ collations }) => collations),
  extensions: databases.flatMap(({ extensions }) => extensions),
})

function hidden(server: ServerRow, hba: unknown, ident: unknown): string[] {
  const role = pg.escapeIdentifier(server.role)
  const hide: string[] = []
  if (server.config_file === null) {
    hide.push(`settings that only pg_read_all_settings may see are not recorded: GRANT pg_monitor TO ${role};`)
  }
  if (hba === undefined) hide.push(`the rules of pg_hba.conf are not recorded: ${grant('pg_hba_file_rules', role)}`)
  if (ident === undefined && server.version_num >= 150_000) {
    hide.push(`the lines of pg_ident.conf are not recorded: ${grant('pg_ident_file_mappings', role)}`)
  }
  return hide
}

const grant = (view: string, role: string): string =>
  `GRANT SELECT ON ${view} TO ${role}; GRANT EXECUTE ON FUNCTION ${view}() TO ${role};`

/** Bytes of all databases; 0 when our role may not see the size of one, or counting takes longer than `seconds`. */
export async function readSize(ask: Ask, seconds: number): Promise<number> {
  await ask(`set statement_timeout = ${Math.round(seconds * 1000)}`)
  const rows = await askIfAllowed<{ size: string | null }>(
    ask,
    'select sum(pg_database_size(oid))::text as size from pg_database',
  )
  await ask('set statement_timeout = 0')
  return Number(rows?.[0]?.size ?? 0)
}
