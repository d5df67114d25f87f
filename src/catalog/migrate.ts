import type { Transaction } from 'kysely'
import { sql } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database } from './database.ts'
import { checkKey, KEY_CHECK } from './key-check.ts'
import { first } from './migrations/0001-first.ts'
import { stoppedAttempts } from './migrations/0002-stopped-attempts.ts'
import { theApiFamily } from './migrations/0003-the-api-family.ts'
import { alerts } from './migrations/0004-alerts.ts'
import { checksumOfSets } from './migrations/0006-checksum-of-sets.ts'
import { drills } from './migrations/0007-drills.ts'
import { encryptionOfSets } from './migrations/0008-encryption-of-sets.ts'
import { bandwidth } from './migrations/0009-bandwidth.ts'
import { databasesOfSets } from './migrations/0005-databases-of-sets.ts'
import { POSTGRES, SQLITE, type Flavour } from './migrations/flavour.ts'
import type { Tables } from './tables.ts'

/** The statements that make a version from the one before it. */
export type Migration = (flavour: Flavour) => readonly string[]

/** The first makes version 1. Never edited once they are on main. */
export const MIGRATIONS: readonly Migration[] = [
  first,
  stoppedAttempts,
  theApiFamily,
  alerts,
  databasesOfSets,
  checksumOfSets,
  drills,
  encryptionOfSets,
  bandwidth,
]

export interface MigrateOptions {
  /** The steps to the version of this program, which is their number. */
  readonly migrations: readonly Migration[]
  readonly sealer: Sealer
  /** When false, a catalog that is not of this version is refused instead of changed. */
  readonly migrate: boolean
  /** Keeps a copy of a catalog of this version before it is changed. */
  readonly copy: (version: number) => Promise<void>
}

/**
 * Brings the catalog to this program's version. Fault 'too_new' when it is newer, 'conflict' when it is older and may not be
 * migrated, 'invalid' when the key file is not the one it was made with.
 */
export async function migrate(database: Database, options: MigrateOptions): Promise<void> {
  const { sealer, migrations, migrate: allowed, copy } = options
  const version = await versionOf(database)
  refuseNewer(version, migrations.length)
  if (version < migrations.length) {
    if (!allowed) throw tooOld(version, migrations.length)
    if (version > 0) await copy(version)
    await database.write((trx) => bringUp(trx, database, sealer, migrations))
  }
  await checkKey(database, sealer)
}

/** The version of the catalog; 0 when the database holds none. Read from tables: what to_regclass says may be from before a lock. */
async function versionOf(database: Database): Promise<number> {
  const tables =
    database.kind === 'sqlite'
      ? sql`select 1 from sqlite_schema where type = 'table' and name = 'about'`
      : sql`select 1 from pg_tables where schemaname = current_schema() and tablename = 'about'`
  return database.read(async (db) => {
    const { rows } = await tables.execute(db)
    if (rows.length === 0) return 0
    const about = await db.selectFrom('about').select('version').executeTakeFirst()
    return about?.version ?? 0
  })
}

function refuseNewer(version: number, ours: number): void {
  if (version <= ours) return
  const message = `open the catalog: it has version ${version}, this program knows up to ${ours}`
  throw new Fault('too_new', message, {
    hint: 'Update Holdfast, or bring back the copy that was made beside the catalog before its last migration.',
  })
}

const tooOld = (version: number, ours: number) =>
  version === 0
    ? new Fault('not_found', 'open the catalog: there is none yet', { hint: 'Start holdfast serve once: it makes it.' })
    : new Fault('conflict', `open the catalog: it has version ${version}, this program needs ${ours}`, {
        hint: 'Start holdfast serve once: it copies and migrates the catalog.',
      })

/** All steps in one transaction. Another process may have done them since we looked: the version is read again under the lock. */
async function bringUp(
  trx: Transaction<Tables>,
  database: Database,
  sealer: Sealer,
  migrations: readonly Migration[],
): Promise<void> {
  const flavour = database.kind === 'sqlite' ? SQLITE : POSTGRES
  if (database.kind === 'postgres') await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx)
  const version = await versionOf({ ...database, read: (work) => work(trx) })
  refuseNewer(version, migrations.length)
  for (const statements of migrations.slice(version)) {
    for (const statement of statements(flavour)) await sql.raw(statement).execute(trx)
  }
  if (version === 0) {
    const key_check = sealer.seal(KEY_CHECK, KEY_CHECK)
    await trx.insertInto('about').values({ one: 1, version: migrations.length, last_id: 0, key_check }).execute()
  } else {
    await trx.updateTable('about').set({ version: migrations.length }).execute()
  }
}

/** Any number that no other program uses for its lock. */
const LOCK = 0x486f6c64
