import type { SetReader } from '../../core/set-reader.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Options } from '../../lib/streams.ts'
import { askIfAllowed, type Ask } from './ask.ts'
import { refusal } from './incremental.ts'
import { parseLsn } from './lag.ts'

const LOOK_MS = 1000

export interface RestartpointOptions extends Options {
  readonly clock: Clock
  /** How long it may take until a restartpoint is past the base. */
  readonly waitMs: number
  /** Told once, when there is something to wait for. */
  readonly onWait: () => void
}

/**
 * Waits until an increment of a replica would begin past the end of its base: a backup of a replica begins at its last restartpoint, and a
 * server adds to no set that ends after that. Fault 'increment_refused' when none comes in time. Where the role may not look, the server
 * itself has to tell.
 */
export async function awaitRestartpoint(
  ask: Ask,
  { manifest: { backupId, postgres } }: SetReader,
  { clock, waitMs, onWait, signal }: RestartpointOptions,
): Promise<void> {
  if (!postgres) return
  const from = clock.monotonic()
  for (let waited = false; ; waited = true) {
    const rows = await askIfAllowed<{ redo: string; timeline: number }>(
      ask,
      'select redo_lsn::text as redo, timeline_id as timeline from pg_control_checkpoint()',
    )
    const [last] = rows ?? []
    if (!last || last.timeline !== postgres.timeline || parseLsn(last.redo) >= parseLsn(postgres.endLsn)) return
    if (clock.monotonic() - from >= waitMs) {
      throw refusal(
        `the last restartpoint of the replica, at ${last.redo}, is before the end of set ${backupId}, at ${postgres.endLsn}`,
      )
    }
    if (!waited) onWait()
    await clock.sleep(LOOK_MS, signal)
  }
}
