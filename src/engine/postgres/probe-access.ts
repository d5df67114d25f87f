import pg from 'pg'
import { Fault } from '../../core/fault.ts'
import type { Problem } from '../engine.ts'
import { sqlState } from './ask.ts'

/** How we came in, as the server sees it. */
export interface Caller {
  readonly role: string
  /** Our address; null over a socket. */
  readonly address: string | null
  readonly encrypted: boolean
  readonly passwordEncryption: string
  /** Where pg_hba.conf is; null when our role may not see it. */
  readonly hbaFile: string | null
}

/** What makes a server a managed one: roles that only its provider makes. */
const MANAGED: readonly (readonly [role: string, service: string])[] = [
  ['rds_superuser', 'Amazon RDS or Aurora'],
  ['rdsadmin', 'Amazon RDS or Aurora'],
  ['cloudsqlsuperuser', 'Google Cloud SQL'],
  ['alloydbsuperuser', 'Google AlloyDB'],
  ['azure_pg_admin', 'Azure Database for PostgreSQL'],
  ['azuresu', 'Azure Database for PostgreSQL'],
  ['neon_superuser', 'Neon'],
  ['pg_rds_superuser', 'Alibaba Cloud RDS'],
  ['supabase_admin', 'Supabase'],
  ['avnadmin', 'Aiven'],
]

export const MANAGED_ROLES: readonly string[] = MANAGED.map(([role]) => role)

/** The managed service that these roles show; undefined when none is one of theirs. */
export const serviceOf = (roles: readonly string[]): string | undefined =>
  MANAGED.find(([role]) => roles.includes(role))?.[1]

/** What a physical backup meets at a managed service whose server lets nobody replicate. */
export const managedProblem = (service: string): Problem => ({
  severity: 'error',
  what: `this is ${service}, which forbids physical backups`,
  fix: `Let ${service} take physical backups, register this instance all the same, and take logical ones.`,
  method: 'Physical',
})

/** What to do about a pooler between us and the server: it passes no replication, and one session is not one backend. */
export const POOLER: Problem = {
  severity: 'error',
  what: 'this is a connection pooler, not PostgreSQL itself: a physical backup does not pass through it',
  fix: "Register the server's own address and port (often 5432) instead of the pooler's.",
}

/**
 * Why the server took an ordinary connection and refused one for replication, with the line that pg_hba.conf needs. A
 * failure of another kind is thrown on.
 */
export function replicationProblem(failure: unknown, caller: Caller): Problem | undefined {
  const state = sqlState(failure)
  const said = saidBy(failure)
  // Poolers answer in words of their own, under this or another state.
  if (state === '08P01' || /pooler|pgbouncer|unsupported startup parameter|no such database: replication/i.test(said)) {
    return POOLER
  }
  if (state === '28000' && /pg_hba\.conf/.test(said)) return hbaProblem(caller)
  // No REPLICATION privilege and no walsender have checks of their own.
  if (state === '42501' || state === '53300') return undefined
  if (state === '28000' || state === '28P01') {
    return {
      severity: 'error',
      what: `the server refused a connection for replication: ${said}`,
      fix: hbaProblem(caller).fix,
      method: 'Physical',
    }
  }
  throw failure
}

/** That no line lets us replicate, and the line. */
export function hbaProblem(caller: Caller): Problem {
  const where = caller.address === null ? 'over its socket' : `from ${caller.address}`
  return {
    severity: 'error',
    what: `no line of pg_hba.conf lets ${caller.role} replicate ${where}`,
    fix: `Add to ${caller.hbaFile ?? 'pg_hba.conf (SHOW hba_file; tells where)'}, above lines that refuse: ${hbaLine(caller)} and run: SELECT pg_reload_conf();`,
    method: 'Physical',
  }
}

/** The one line that lets this caller in for replication, and nobody else. */
export function hbaLine({ role, address, encrypted, passwordEncryption }: Caller): string {
  const user = /^[a-z_][a-z0-9_]*$/.test(role) && role !== 'all' ? role : pg.escapeIdentifier(role)
  if (address === null) return `local replication ${user} peer`
  const bits = address.includes(':') ? 128 : 32
  const method = passwordEncryption === 'md5' ? 'md5' : 'scram-sha-256'
  return `${encrypted ? 'hostssl' : 'host'} replication ${user} ${address}/${bits} ${method}`
}

function saidBy(failure: unknown): string {
  const words: string[] = []
  for (let at = failure; at instanceof Error; at = at.cause) words.push(Fault.is(at) && at.cause ? '' : at.message)
  return words.filter((word) => word !== '').join(': ')
}
