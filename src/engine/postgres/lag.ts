import type { Lag } from '../engine.ts'
import type { Ask } from './ask.ts'

/** Where a node stands in the log, and on a replica how far behind. */
export interface Standing {
  readonly isReplica: boolean
  /** WAL position in bytes: flushed on a primary, replayed on a replica. */
  readonly position: bigint
  readonly lag: Lag | undefined
}

interface StandingRow {
  readonly is_replica: boolean
  readonly position: string | null
  readonly received: string | null
  readonly replayed: string | null
  readonly age: number | null
  readonly receiving: boolean
}

/**
 * A receiver that is there but whose state we may not read counts as streaming: the server hides it from roles without
 * pg_read_all_stats.
 */
const STANDING_SQL = `
  select
    pg_is_in_recovery() as is_replica,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end as position,
    case when pg_is_in_recovery() then pg_last_wal_receive_lsn() end as received,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() end as replayed,
    case when pg_is_in_recovery()
      then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8
    end as age,
    exists (select from pg_stat_wal_receiver where pid is not null and coalesce(status, 'streaming') = 'streaming')
      as receiving`

/** Asks a node where it stands. */
export async function readStanding(ask: Ask): Promise<Standing> {
  const [row] = await ask<StandingRow>(STANDING_SQL)
  if (!row) throw new Error('a select without a from gave no row')
  return {
    isReplica: row.is_replica,
    position: row.position === null ? 0n : parseLsn(row.position),
    lag: row.is_replica ? lagOf(row) : undefined,
  }
}

/**
 * The age of the last replayed transaction grows for ever while the primary is idle, so it counts only when something
 * received is not replayed yet, or when nothing is being received and so nobody knows what there is.
 */
function lagOf(row: StandingRow): Lag {
  const allReplayed = row.received !== null && row.replayed !== null && parseLsn(row.received) <= parseLsn(row.replayed)
  const seconds = row.receiving && allReplayed ? 0 : (row.age ?? undefined)
  return {
    bytes: undefined,
    seconds: seconds === undefined ? undefined : Math.max(0, seconds),
    receiving: row.receiving,
  }
}

/** The bytes that an LSN in PostgreSQL's text form, `16/B374D848`, stands for. */
export function parseLsn(text: string): bigint {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? []
  if (high === undefined || low === undefined) throw new RangeError(`not an LSN: ${text}`)
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}
