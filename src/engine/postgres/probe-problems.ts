import pg from 'pg'
import type { Problem } from '../engine.ts'

/** What a probe asks a node for the checks below. What our role may not see is null. */
export interface Checked {
  readonly role: string
  readonly is_replica: boolean
  readonly version_num: number
  readonly may_replicate: boolean
  readonly is_monitor: boolean
  readonly wal_level: string
  readonly wal_senders: number
  readonly wal_senders_used: number
  readonly slots: number
  readonly slots_used: number
  readonly idle_slots: readonly string[]
  /** Megabytes; -1 is without a limit. */
  readonly slot_wal_keep: number
  readonly full_page_writes: boolean
  readonly data_checksums: boolean
  /** Null before 17. */
  readonly summarize_wal: string | null
  /** Names of tablespaces that lie inside the data directory. */
  readonly inner_tablespaces: readonly string[]
}

/** What keeps backups of a node from working or makes them worse than they could be. Each fix is the exact statement. */
export const problemsOf = (checked: Checked): Problem[] =>
  CHECKS.map((check) => check(checked)).filter((problem) => problem !== undefined)

type Check = (checked: Checked) => Problem | undefined

/** The oldest version that a physical backup is taken of. */
const OLDEST = 140_000
const RELOAD = 'SELECT pg_reload_conf();'
const RESTART = 'and restart the server'

const oldVersion: Check = ({ version_num }) =>
  version_num < OLDEST
    ? error(
        `PostgreSQL ${Math.floor(version_num / 10_000)} is too old: backups are taken of 14 and newer`,
        'Upgrade the server with pg_upgrade.',
      )
    : undefined

const replication: Check = ({ may_replicate, role }) =>
  may_replicate
    ? undefined
    : ofPhysical(
        `the role ${role} may not replicate, which a physical backup does`,
        `ALTER ROLE ${pg.escapeIdentifier(role)} REPLICATION;`,
      )

const walLevel: Check = ({ wal_level }) =>
  wal_level === 'minimal'
    ? ofPhysical(
        'wal_level is minimal: a physical backup needs replica or logical',
        `ALTER SYSTEM SET wal_level = replica; ${RESTART}`,
      )
    : undefined

/** A replica must not have fewer walsenders than its primary had, so it is set on both. */
const walSenders: Check = ({ wal_senders, wal_senders_used }) =>
  wal_senders_used < wal_senders
    ? undefined
    : ofPhysical(
        `all ${wal_senders} walsenders (max_wal_senders) are taken: a backup needs one`,
        `ALTER SYSTEM SET max_wal_senders = ${wal_senders_used + 5}; ${RESTART}`,
      )

const slots: Check = ({ slots: all, slots_used, idle_slots }) => {
  if (slots_used < all) return undefined
  const what = `all ${all} replication slots (max_replication_slots) are taken: a backup needs one for its time`
  const raise = `ALTER SYSTEM SET max_replication_slots = ${slots_used + 5}; ${RESTART}`
  const drop = idle_slots.map((name) => `SELECT pg_drop_replication_slot(${pg.escapeLiteral(name)});`)
  return ofPhysical(what, drop.length === 0 ? raise : `${raise}; or drop what nobody uses any more: ${drop.join(' ')}`)
}

const slotLimit: Check = ({ slot_wal_keep }) =>
  slot_wal_keep === -1
    ? undefined
    : warning(
        `the server keeps at most ${slot_wal_keep} MB of WAL for a slot (max_slot_wal_keep_size): a backup during which more is written fails`,
        `ALTER SYSTEM SET max_slot_wal_keep_size = -1; ${RELOAD}`,
      )

const monitor: Check = ({ is_monitor, role }) =>
  is_monitor
    ? undefined
    : warning(
        `the role ${role} may not read all settings and sizes, so sets record less of the server and progress is less exact`,
        `GRANT pg_monitor TO ${pg.escapeIdentifier(role)};`,
      )

const pageWrites: Check = ({ full_page_writes, is_replica }) =>
  full_page_writes || is_replica
    ? undefined
    : warning(
        'full_page_writes is off: PostgreSQL refuses backups from replicas of this server',
        `ALTER SYSTEM SET full_page_writes = on; ${RELOAD}`,
      )

const checksums: Check = ({ data_checksums }) =>
  data_checksums
    ? undefined
    : warning(
        'page checksums are off: a backup cannot tell a damaged page from a good one',
        'Stop the server and run: pg_checksums --enable -D DATA_DIRECTORY',
      )

/** What a probe says when increments cannot be taken for this reason. */
export const NO_SUMMARIES = 'summarize_wal is off: incremental backups are not possible'

const summaries: Check = ({ summarize_wal }) =>
  summarize_wal === 'off' ? warning(NO_SUMMARIES, `ALTER SYSTEM SET summarize_wal = on; ${RELOAD}`) : undefined

const innerTablespaces: Check = ({ inner_tablespaces }) =>
  inner_tablespaces.length === 0
    ? undefined
    : warning(
        `tablespaces inside the data directory: ${inner_tablespaces.join(', ')}. PostgreSQL warns against them, and tools copy them twice or not at all`,
        inner_tablespaces.map(moveOut).join(' '),
      )

const CHECKS: readonly Check[] = [
  oldVersion,
  replication,
  walLevel,
  walSenders,
  slots,
  slotLimit,
  monitor,
  pageWrites,
  checksums,
  summaries,
  innerTablespaces,
]

function moveOut(name: string): string {
  const [from, to] = [pg.escapeIdentifier(name), pg.escapeIdentifier(`${name}_outside`)]
  const kinds = ['TABLE', 'INDEX', 'MATERIALIZED VIEW'].map(
    (kind) => `ALTER ${kind} ALL IN TABLESPACE ${from} SET TABLESPACE ${to};`,
  )
  return `CREATE TABLESPACE ${to} LOCATION '/a/directory/outside'; in each database: ${kinds.join(' ')} DROP TABLESPACE ${from};`
}

/** What keeps physical backups from working, and no logical one. */
const ofPhysical = (what: string, fix: string): Problem => ({ ...error(what, fix), method: 'Physical' })
const error = (what: string, fix: string): Problem => ({ severity: 'error', what, fix })
const warning = (what: string, fix: string): Problem => ({ severity: 'warning', what, fix })
