import type { Transaction } from 'kysely'
import { sql } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import { CATALOG_VERSION } from './catalog.ts'
import type { Database } from './database.ts'
import { checkKey, KEY_CHECK } from './key-check.ts'
import { first } from './migrations/0001-first.ts'
import { POSTGRES, SQLITE, type Flavour } from './migrations/flavour.ts'
import type { Tables } from './tables.ts'

/** Each version's statements, by number: the first makes version 1. Never edited once they are on main. */
const MIGRATIONS: readonly ((flavour: Flavour) => readonly string[])[] = [first]

export interface MigrateOptions {
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
export async function migrate(database: Database, { sealer, migrate: allowed, copy }: MigrateOptions): Promise<void> {
  const version = await versionOf(database)
  refuseNewer(version)
  if (version < CATALOG_VERSION) {
    if (!allowed) throw tooOld(version)
    if (version > 0) await copy(version)
    await database.write(async (trx) => bringUp(trx, database, sealer))
  }
  await checkKey(database, sealer)
}

/** The version of the catalog; 0 when the database holds none. */
async function versionOf(database: Database): Promise<number> {
  const tables =
    database.kind === 'sqlite'
      ? sql`select 1 from sqlite_schema where type = 'table' and name = 'about'`
      : sql`select 1 where to_regclass('about') is not null`
  return database.read(async (db) => {
    const { rows } = await tables.execute(db)
    if (rows.length === 0) return 0
    const about = await db.selectFrom('about').select('version').executeTakeFirst()
    return about?.version ?? 0
  })
}

function refuseNewer(version: number): void {
  if (version <= CATALOG_VERSION) return
  const message = `open the catalog: it has version ${version}, this program knows up to ${CATALOG_VERSION}`
  throw new Fault('too_new', message, {
    hint: 'Update Holdfast, or bring back the copy that was made beside the catalog before its last migration.',
  })
}

const tooOld = (version: number) =>
  version === 0
    ? new Fault('not_found', 'open the catalog: there is none yet', { hint: 'Start holdfast serve once: it makes it.' })
    : new Fault('conflict', `open the catalog: it has version ${version}, this program needs ${CATALOG_VERSION}`, {
        hint: 'Start holdfast serve once: it copies and migrates the catalog.',
      })

/** All steps in one transaction. Another process may have done them since we looked: the version is read again under the lock. */
async function bringUp(trx: Transaction<Tables>, database: Database, sealer: Sealer): Promise<void> {
  const flavour = database.kind === 'sqlite' ? SQLITE : POSTGRES
  if (database.kind === 'postgres') await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx)
  const version = await versionOf({ ...database, read: (work) => work(trx) })
  refuseNewer(version)
  for (const statements of MIGRATIONS.slice(version)) {
    for (const statement of statements(flavour)) await sql.raw(statement).execute(trx)
  }
  if (version === 0) {
    const key_check = sealer.seal(KEY_CHECK, KEY_CHECK)
    await trx.insertInto('about').values({ one: 1, version: CATALOG_VERSION, last_id: 0, key_check }).execute()
  } else {
    await trx.updateTable('about').set({ version: CATALOG_VERSION }).execute()
  }
}

/** Any number that no other program uses for its lock. */
const LOCK = 0x486f6c64
