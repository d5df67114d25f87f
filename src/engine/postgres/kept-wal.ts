import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import { connect } from './connect.ts'

/** How often the WAL that the server keeps for us is looked at. */
const LOOK_MS = 2000

export interface KeptWal {
  readonly slot: string
  readonly maxBytes: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Watches how much WAL the server keeps for our slot, and rejects with the reason before it exceeds the limit: a slow store
 * must not fill the disk of the database. Ends without a word when `signal` aborts, or when the slot is gone.
 */
export async function watchKeptWal(address: NodeAddress, { slot, maxBytes, clock, signal }: KeptWal): Promise<void> {
  await using connection = await connect(address, { signal })
  while (!signal.aborted) {
    const [row] = await connection.ask<{ kept: string | null }>(KEPT_SQL, [slot])
    if (row === undefined) return
    const kept = Number(row.kept ?? 0)
    if (kept > maxBytes) throw tooMuch(kept, maxBytes)
    await clock.sleep(LOOK_MS, signal).catch(() => {})
  }
}

const KEPT_SQL = `
  select pg_wal_lsn_diff(
    case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      else pg_current_wal_lsn() end,
    restart_lsn)::text as kept
  from pg_replication_slots where slot_name = $1`

const tooMuch = (kept: number, limit: number) =>
  new Fault(
    'engine_failed',
    `take a base backup: the server keeps ${kept} bytes of WAL for it, the limit is ${limit}`,
    {
      hint: 'Make the store or its connection faster, back up when less is written, or raise maxKeptWalBytes of the instance.',
    },
  )
