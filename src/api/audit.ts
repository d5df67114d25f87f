import type { AuditEntry } from '../core/audit.ts'
import type { Moment } from '../lib/clock.ts'
import type { Action } from './action.ts'
import type { Request } from './request.ts'

/** A call that is let in: whose it is, and what it asks. */
export interface AuditedCall {
  readonly request: Request
  readonly requestId: string
  readonly action: Action
  readonly keyId: string
  /** The lasting key that made a temporary one; '' for a lasting key. */
  readonly parentKeyId: string
  /** As they came, unparsed. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Longer values are cut: a record tells what was asked, it does not keep what was sent. */
const LONGEST = 1024

/** What the audit tells of a call. Of its parameters, those that the action knows and that are no secret. */
export const auditEntryOf = (call: AuditedCall, at: Moment): AuditEntry => ({
  requestId: call.requestId,
  at,
  origin: 'api',
  keyId: call.keyId,
  parentKeyId: call.parentKeyId,
  osUser: '',
  action: call.action.name,
  instanceId: cut(call.parameters.get('DBInstanceId') ?? ''),
  parameters: Object.fromEntries(
    knownParameters(call.action, call.parameters)
      .filter(([, , secret]) => !secret)
      .map(([name, value]) => [name, cut(value)]),
  ),
  remoteAddress: call.request.remoteAddress,
  userAgent: cut(call.request.headers['user-agent'] ?? ''),
})

/** NUL is in no text of a database. */
const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text).replaceAll('\0', '\u{fffd}')

/** The parameters that an action knows, honoured or not, with those of flattened lists; and whether each is secret. */
export function knownParameters(
  { parameters, neglected = {} }: Action,
  given: ReadonlyMap<string, string>,
): (readonly [name: string, value: string, secret: boolean])[] {
  return [...given].flatMap(([name, value]) => {
    const [base = ''] = name.split('.', 1)
    const parameter = parameters[name] ?? (parameters[base]?.flattened ? parameters[base] : undefined)
    if (parameter === undefined && !Object.hasOwn(neglected, name)) return []
    return [[name, value, parameter?.secret === true] as const]
  })
}
