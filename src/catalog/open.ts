import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Sealer } from '../lib/seal.ts'
import { compactSeconds } from '../lib/time.ts'
import { alertMethods } from './alerts.ts'
import { auditMethods } from './audit.ts'
import type { Catalog } from './catalog.ts'
import { checkMethods } from './check.ts'
import { bandwidthMethods } from './bandwidth.ts'
import { claimMethods } from './claims.ts'
import type { Database, Deps, Heard } from './database.ts'
import { dumpMethods } from './dump.ts'
import { figureMethods } from './figures.ts'
import { healthMethods } from './health.ts'
import { holdMethods } from './holds.ts'
import { idMethods } from './ids.ts'
import { instanceMethods } from './instance-changes.ts'
import { instanceReaders } from './instances.ts'
import { keyMethods } from './keys.ts'
import { leaseMethods } from './leases.ts'
import { linkMethods } from './links.ts'
import { migrate, MIGRATIONS, type Migration } from './migrate.ts'
import { pageMethods } from './page.ts'
import { policyMethods } from './policies.ts'
import { openPostgres } from './postgres.ts'
import { drillMethods } from './drills.ts'
import { scheduleMethods } from './schedule.ts'
import { setMethods } from './sets.ts'
import { openSqlite } from './sqlite.ts'
import { standingMethods } from './standings.ts'
import { taskEndMethods } from './task-ends.ts'
import { taskMethods } from './tasks.ts'
import { tokenMethods } from './tokens.ts'

export interface CatalogOptions {
  /** `sqlite:PATH` or `postgres://…`. */
  readonly url: string
  /** The password of the database user; the URL's own when absent. */
  readonly password?: string | undefined
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Log
  /** Bring a catalog of an older version up to ours, and make one where there is none; when false it is refused. Default: true. */
  readonly migrate?: boolean | undefined
  /** Is told every statement: for tests of what a method asks the database. */
  readonly heard?: Heard | undefined
}

/**
 * The catalog at a URL, of this program's version.
 *
 * An embedded catalog of an older version is copied to `<file>.v<version>-<time>` before it is migrated. Fault 'too_new' when
 * it is newer than this program, 'invalid' when the key file is not the one it was made with.
 */
export const openCatalog = (options: CatalogOptions): Promise<Catalog> => openWith(options, MIGRATIONS)

/** The same with the steps of another program, older or newer. */
export async function openWith(options: CatalogOptions, migrations: readonly Migration[]): Promise<Catalog> {
  const { sealer, clock, log } = options
  const database = await openDatabase(options)
  const copy = async (version: number) => {
    const to = await database.copyAside(`v${version}-${compactSeconds(clock.now())}`)
    if (to !== undefined) log.info({ copy: to, version }, 'catalog copied before its migration')
  }
  try {
    await migrate(database, { sealer, migrations, migrate: options.migrate ?? true, copy })
  } catch (error) {
    await database.close()
    throw error
  }
  return catalogOf({ database, sealer })
}

/** The database at a URL, whatever lies in it. */
export async function openDatabase({ url, password, clock, log, heard }: CatalogOptions): Promise<Database> {
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length), clock, heard)
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres({ url, password, clock, log, heard })
  throw new Fault('invalid', `open catalog ${url.split(':')[0]}:…`, { hint: 'Write sqlite:PATH or postgres://….' })
}

function catalogOf(deps: Deps): Catalog {
  const { database } = deps
  let closed: Promise<void> | undefined
  return {
    kind: database.kind,
    ...instanceReaders(deps),
    ...instanceMethods(deps),
    ...pageMethods(deps),
    ...setMethods(deps),
    ...holdMethods(deps),
    ...taskMethods(deps),
    ...claimMethods(deps),
    ...leaseMethods(deps),
    ...taskEndMethods(deps),
    ...keyMethods(deps),
    ...healthMethods(deps),
    ...figureMethods(deps),
    ...idMethods(deps),
    ...dumpMethods(deps),
    ...checkMethods(deps),
    ...auditMethods(deps),
    ...bandwidthMethods(deps),
    ...tokenMethods(deps),
    ...linkMethods(deps),
    ...policyMethods(deps),
    ...scheduleMethods(deps),
    ...drillMethods(deps),
    ...alertMethods(deps),
    ...standingMethods(deps),
    close: () => (closed ??= database.close()),
  }
}
