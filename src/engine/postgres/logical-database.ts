import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { LogicalDatabase } from '../../core/manifest.ts'
import { sqlState } from './ask.ts'
import { connect } from './connect.ts'
import { placing, scriptOf, type DumpReader } from './dump-reader.ts'
import type { Loading } from './logical-loading.ts'
import { sqlPattern, sqlStatements } from './sql-statements.ts'

/** What a dump says of its database itself, to be run under any name. */
export interface DatabaseScript {
  readonly create: (name: string) => string
  /** Owner, rights, settings, comment. Settings may keep a session from writing: they come last. */
  readonly properties: (name: string) => readonly string[]
}

const OF_DATABASE = sqlPattern(
  '^(CREATE DATABASE |ALTER DATABASE |COMMENT ON DATABASE |ALTER ROLE (?:.+?) IN DATABASE |(?:GRANT|REVOKE) .+? ON DATABASE |SECURITY LABEL .*?ON DATABASE )%I',
)

/** Reads the statements that make a dump's database, from its beginning. */
export async function databaseScript(reader: DumpReader, database: LogicalDatabase): Promise<DatabaseScript> {
  const doing = `read the dump of database ${pg.escapeIdentifier(database.name)}`
  // A table that is not there leaves out everything but what is of the database itself.
  const nothing = `--table=${randomBytes(16).toString('hex')}`
  const script = await scriptOf(reader, database.part, ['--create', nothing, ...placing(reader.request)], doing)
  const { owners } = reader.request
  // Settings of a role are of no use where its things do not come along.
  const own = sqlStatements(script).filter(
    (text) => OF_DATABASE.test(text) && (owners || !text.startsWith('ALTER ROLE ')),
  )
  const creating = own.find((text) => text.startsWith('CREATE DATABASE '))
  if (creating === undefined) throw new Fault('store_corrupt', `${doing}: it does not say how to create it`)
  const named = (name: string) => (text: string) =>
    text.replace(OF_DATABASE, (_, before: string) => before + pg.escapeIdentifier(name))
  const spaced = reader.request.tablespaces ? creating : creating.replace(sqlPattern(' TABLESPACE = %I'), '')
  return {
    create: (name) => named(name)(spaced),
    properties: (name) => own.filter((text) => text !== creating).map(named(name)),
  }
}

/**
 * A CREATE DATABASE as a server of this major version understands it. pg_dump writes for its own version or newer ones: that of 15 and newer
 * names the provider of the locale, which 14 has one of.
 */
export const understoodBy = (major: number, create: string): string =>
  major >= 15 ? create : create.replace(/ LOCALE_PROVIDER = libc\b/, '')

/** A database that is being filled, under a name that nobody uses. Dropped when disposed of, unless it was given its name. */
export interface DraftDatabase extends AsyncDisposable {
  readonly name: string
  /** Gives it its name, and with that to its users. */
  publish(name: string): Promise<void>
}

/**
 * Makes an empty database as the dump's was. Fault 'instance_unready' when the server cannot have such a one: its locale,
 * encoding.
 */
export async function createDraft(
  { ask, address, target }: Pick<Loading, 'ask' | 'address' | 'target'>,
  script: DatabaseScript,
  database: LogicalDatabase,
): Promise<DraftDatabase> {
  const draft = `holdfast_restore_${randomBytes(8).toString('hex')}`
  try {
    await ask(understoodBy(target.major, script.create(draft)))
  } catch (cause) {
    const { encoding, collation } = database
    throw new Fault(
      'instance_unready',
      `restore database ${pg.escapeIdentifier(database.name)}: the server cannot make one like it (${encoding}, ${collation.provider} ${collation.locale}): ${(cause as Error).message}`,
      {
        cause,
        hint: 'Make the locale on its machine (on Debian: add it to /etc/locale.gen and run locale-gen), and try again.',
      },
    )
  }
  let published = false
  return {
    name: draft,
    publish: async (name) => {
      await ask(`alter database ${pg.escapeIdentifier(draft)} rename to ${pg.escapeIdentifier(name)}`)
      published = true
    },
    [Symbol.asyncDispose]: async () => {
      if (!published) await drop(address, draft)
    },
  }
}

/**
 * On a connection of its own: that of the restore may be what failed, or have been cut off since the restore was given up. What
 * cannot be dropped now stays under the name of a draft, and must not hide why the restore failed.
 */
async function drop(address: NodeAddress, draft: string): Promise<void> {
  try {
    await using connection = await connect(address)
    await connection.ask(`drop database if exists ${pg.escapeIdentifier(draft)} with (force)`)
  } catch (error) {
    if (!Fault.is(error) && sqlState(error) === undefined) throw error
  }
}
