import { createHash } from 'node:crypto'
import type { Once, TokenUse } from '../catalog/catalog.ts'
import type { UsedToken } from '../catalog/tokens.ts'
import type { Task } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import type { Action, Parameter } from './action.ts'
import { knownParameters } from './audit.ts'
import { RdsError } from './errors.ts'
import type { ParameterCodec } from './parameters.ts'

/** How long a client token is remembered: our choice, since the documentation of RDS names no time. Kept in the catalog. */
export const TOKEN_MS = 24 * 3_600_000

const tokenText: ParameterCodec<string> = {
  form: '1 to 64 ASCII characters, none of them a control character',
  parse: (given) => (/^[ -~]{1,64}$/.test(given) ? given : undefined),
}

/**
 * The parameter `ClientToken`, for an action that adds one task. Its handler gives the catalog `answering(once, …)`; all else
 * is done before it is called.
 */
export const clientToken: Parameter<string> = {
  codec: tokenText,
  about:
    'Makes the call safe to repeat: for 24 hours the same token and parameters from the same key get the same reply, and nothing is done twice.',
}

/** The nonce of a call and, if it has a client token, what it will be answered once its task is added. */
export const answering = (once: Once, replyOf: (task: Task) => Readonly<Record<string, unknown>>): Once =>
  once.token ? { ...once, token: { ...once.token, replyOf } } : once

/** How a call uses its client token; undefined when it has none, or its action takes none. */
export function tokenUseOf(action: Action, given: ReadonlyMap<string, string>, at: Moment): TokenUse | undefined {
  const token = given.get('ClientToken') ?? ''
  if (token === '' || !action.mutates || action.parameters['ClientToken'] !== clientToken) return undefined
  return { action: action.name, token, digest: digestOf(action, given), at, expiresAt: at + TOKEN_MS }
}

/** What a call was answered whose token this one has again. Refused when it is another call. */
export function repeatedReply(use: TokenUse, used: UsedToken): Record<string, unknown> {
  if (used.digest === use.digest) return used.reply
  throw new RdsError('IdempotentParameterMismatch')
}

/** Of all that the action knows, but the token: what every client adds by itself makes no other call of it. */
function digestOf(action: Action, given: ReadonlyMap<string, string>): string {
  const parameters = knownParameters(action, given)
    .filter(([name, value, secret]) => name !== 'ClientToken' && value !== '' && !secret)
    .map(([name, value]) => [name, value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(parameters)).digest('base64url')
}
