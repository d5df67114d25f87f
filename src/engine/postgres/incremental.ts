import { Fault } from '../../core/fault.ts'
import type { PostgresFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import type { Options } from '../../lib/streams.ts'
import { sqlState } from './ask.ts'
import type { ReplicationConnection } from './connect.ts'

/** The oldest version that takes incremental backups. */
export const OLDEST_INCREMENTAL = 170_000

/** What an increment needs of the server and its base to be the same. */
type Compared = Pick<PostgresFacts, 'serverVersion' | 'serverVersionText' | 'dataChecksums' | 'blockSize'>

/** Fault 'increment_refused' when what is known before anything is sent tells that the server cannot add to the base. */
export function checkBase(server: Compared, base: SetReader): void {
  const { backupId, postgres } = base.manifest
  const reason = whyNot(server, postgres)
  if (reason !== undefined) throw refusal(`set ${backupId} cannot be added to: ${reason}`)
}

function whyNot(server: Compared, base: PostgresFacts | undefined): string | undefined {
  if (server.serverVersion < OLDEST_INCREMENTAL) {
    return `PostgreSQL ${server.serverVersionText} takes no incremental backups, which 17 and newer do`
  }
  if (base === undefined) return 'it is no physical set of PostgreSQL'
  if (Math.floor(base.serverVersion / 10_000) !== Math.floor(server.serverVersion / 10_000)) {
    return `it was taken of PostgreSQL ${base.serverVersionText}, the server is ${server.serverVersionText}`
  }
  // What switches them rewrites pages without a word in the log.
  if (base.dataChecksums !== server.dataChecksums) return 'page checksums were switched on or off since'
  return base.blockSize === server.blockSize ? undefined : 'its blocks have another size'
}

/** Gives the server the manifest of the base, by which it finds what changed since. */
export async function uploadManifest(
  connection: ReplicationConnection,
  base: SetReader,
  options: Options,
): Promise<void> {
  try {
    await connection.copyIn('UPLOAD_MANIFEST', base.read('backup_manifest', undefined, options))
  } catch (error) {
    if (sqlState(error) === undefined) throw error
    throw refusal(`the server does not take the manifest of set ${base.manifest.backupId}: ${messageOf(error)}`, error)
  }
}

/** `object_not_in_prerequisite_state`: the base lies elsewhere in the log, or what changed since it is not known any more. */
const NOT_READY = '55000'

/** A failure of BASE_BACKUP with a base, as the refusal that it is, or as it was. */
export function asRefusal(error: unknown, base: SetReader): unknown {
  const refused =
    Fault.is(error, 'engine_failed') &&
    sqlState(error) === NOT_READY &&
    !/promoted|full_page_writes/.test(error.message)
  return refused ? refusal(`the server does not add to set ${base.manifest.backupId}: ${error.message}`, error) : error
}

/** That a server cannot add to a base, and why. */
export function refusal(reason: string, cause?: unknown): Fault {
  return new Fault('increment_refused', `take an incremental backup: ${reason}`, {
    hint: 'Take a full backup: the next incremental one adds to it.',
    ...(cause !== undefined && { cause }),
  })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
