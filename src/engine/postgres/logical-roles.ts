import { Fault } from '../../core/fault.ts'
import type { Ask } from './ask.ts'
import type { Brought, TargetServer } from './logical-target.ts'
import { nameIn, sqlPattern, sqlStatements } from './sql-statements.ts'

/** The script of roles and tablespaces, sorted for a server that has some of them. */
export interface GlobalsPlan extends Brought {
  /** Roles, their settings and memberships: in one transaction. */
  readonly roleStatements: readonly string[]
  /** Tablespaces, which no transaction can make. */
  readonly tablespaceStatements: readonly string[]
  /** Roles of the set that the server has already. */
  readonly kept: readonly string[]
}

const CREATE_ROLE = sqlPattern('^CREATE ROLE %I$')
const OF_ROLE = sqlPattern('^(?:ALTER ROLE|COMMENT ON ROLE|SECURITY LABEL .*?ON ROLE) %I ')
const OF_SUPERUSER = sqlPattern('^ALTER ROLE %I WITH SUPERUSER ')
const CREATE_TABLESPACE = sqlPattern('^CREATE TABLESPACE %I ')
const OF_TABLESPACE = sqlPattern('^(?:ALTER|COMMENT ON|(?:GRANT|REVOKE) .*? ON|SECURITY LABEL .*?ON) TABLESPACE %I ')

/**
 * What of a set's script is to be run on this server: roles and tablespaces that it has stay as they are, passwords included. With
 * `adopt`, its roles become what they are in the set.
 */
export function planGlobals(script: string, target: TargetServer, adopt: boolean = false): GlobalsPlan {
  const statements = sqlStatements(script).filter((text) => !/^(SET|SELECT) /.test(text))
  const named = (pattern: RegExp) => statements.flatMap((text) => nameOf(text, pattern) ?? [])
  const roles = named(CREATE_ROLE)
  const keptSpaces = target.tablespaces
  const ofTablespaces = (text: string) => nameOf(text, CREATE_TABLESPACE) ?? nameOf(text, OF_TABLESPACE)
  const isKept = (text: string) => {
    const role = nameOf(text, CREATE_ROLE) ?? (adopt ? undefined : nameOf(text, OF_ROLE))
    return role !== undefined && target.roles.has(role)
  }
  return {
    roles: new Set(roles),
    tablespaces: new Set(named(CREATE_TABLESPACE)),
    roleStatements: statements.filter((text) => ofTablespaces(text) === undefined && !isKept(text)),
    tablespaceStatements: statements.filter((text) => {
      const name = ofTablespaces(text)
      return name !== undefined && !keptSpaces.has(name)
    }),
    kept: adopt ? [] : roles.filter((name) => target.roles.has(name)),
  }
}

/** The superusers of a set's script, in its order. */
export const superusersIn = (script: string): string[] =>
  sqlStatements(script).flatMap((text) => nameOf(text, OF_SUPERUSER) ?? [])

function nameOf(text: string, pattern: RegExp): string | undefined {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : nameIn(found)
}

/** Makes the roles all or none, then the tablespaces. Fault 'engine_failed' with what the server said. */
export async function runGlobals(
  plan: GlobalsPlan,
  ask: Ask,
  { tablespaces }: { tablespaces: boolean },
): Promise<void> {
  try {
    await ask('begin')
    // Roles own tablespaces, and members are named in any order.
    for (const statement of plan.roleStatements) await ask(statement)
    await ask('commit')
  } catch (cause) {
    await ask('rollback').catch(() => undefined)
    throw failed('roles', cause)
  }
  if (!tablespaces) return
  try {
    for (const statement of plan.tablespaceStatements) await ask(statement)
  } catch (cause) {
    throw failed('tablespaces', cause)
  }
}

const failed = (what: string, cause: unknown) =>
  new Fault('engine_failed', `restore ${what}: ${(cause as Error).message}`, {
    cause,
    hint:
      what === 'roles'
        ? 'Restore as a superuser, or create the roles first: those that are there stay as they are.'
        : 'Make the directory on the machine of the server, owned by its user, or leave tablespaces out (--no-tablespaces).',
  })
