import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import { connect, type Connection } from './connect.ts'

/** How often the WAL that the server keeps for us is looked at. */
const LOOK_MS = 2000
/** How long a backup goes on while nobody can tell how much that is. */
const BLIND_MS = 5 * 60_000

export interface KeptWal {
  readonly slot: string
  readonly maxBytes: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Watches how much WAL the server keeps for our slot: a slow store must not fill the disk of the database. Fault
 * 'engine_failed' with the reason before the limit is passed, when the server gave our WAL up, or when it could not be asked for
 * minutes. Ends without a word when `signal` aborts, or when the slot is gone.
 */
export async function watchKeptWal(address: NodeAddress, watch: KeptWal): Promise<void> {
  const { clock, signal } = watch
  let seenAt = clock.monotonic()
  const seen = () => (seenAt = clock.monotonic())
  while (!signal.aborted) {
    try {
      await using connection = await connect(address, { signal })
      return await lookAgainAndAgain(connection, watch, seen)
    } catch (cause) {
      if (signal.aborted) return
      if (Fault.is(cause, 'engine_failed')) throw cause
      if (clock.monotonic() - seenAt >= BLIND_MS) throw blind(cause)
    }
    await clock.sleep(LOOK_MS, signal).catch(() => {})
  }
}

async function lookAgainAndAgain({ ask }: Connection, watch: KeptWal, seen: () => void): Promise<void> {
  let before: number | undefined
  while (!watch.signal.aborted) {
    const [row] = await ask<KeptRow>(KEPT_SQL, [watch.slot])
    seen()
    if (row === undefined) return
    if (row.wal_status === 'lost' || row.kept === null) throw givenUp()
    const kept = Number(row.kept)
    const reason = reasonToStop({ kept, before: before ?? kept, maxBytes: watch.maxBytes })
    if (reason) throw reason
    before = kept
    await watch.clock.sleep(LOOK_MS, watch.signal).catch(() => {})
  }
}

interface KeptRow {
  readonly kept: string | null
  readonly wal_status: string | null
}

const KEPT_SQL = `
  select wal_status, pg_wal_lsn_diff(
    case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      else pg_current_wal_lsn() end,
    restart_lsn)::text as kept
  from pg_replication_slots where slot_name = $1`

/** Why a backup must not go on, with what is kept now and at the look before: as much again may come until the next. */
export function reasonToStop(looks: { kept: number; before: number; maxBytes: number }): Fault | undefined {
  const { kept, before, maxBytes } = looks
  if (kept + Math.max(0, kept - before) < maxBytes) return undefined
  const message = `take a base backup: the server keeps ${kept} bytes of WAL for it, the limit is ${maxBytes}`
  return new Fault('engine_failed', message, {
    hint: 'Make the store or its connection faster, back up when less is written, or raise maxKeptWalBytes of the instance.',
  })
}

const givenUp = () =>
  new Fault('engine_failed', 'take a base backup: the server removed WAL that the backup needs', {
    hint: 'It kept as much as max_slot_wal_keep_size allows. Raise that, or make the store or its connection faster.',
  })

const blind = (cause: unknown) =>
  new Fault('engine_failed', 'take a base backup: for minutes nobody could see how much WAL the server keeps for it', {
    cause,
    hint: 'A second connection is needed beside the backup. Raise max_connections, or the connection limit of the role.',
  })
