import ipaddr from 'ipaddr.js'
import { lesserRights, mayDo, type KeyRights } from '../core/access-key.ts'
import type { SigningKey } from '../catalog/keys.ts'
import type { Moment } from '../lib/clock.ts'
import type { Action } from './action.ts'
import { isIn, parseBlock } from './client-address.ts'
import { RdsError } from './errors.ts'

/** Whose call it is, and what he may do. */
export interface Caller {
  readonly keyId: string
  /** The lasting key that made this temporary one; empty for a lasting key. */
  readonly parentKeyId: string
  /** What the key may do; of a temporary one, no more than its parent may now. */
  readonly rights: KeyRights
  /** Every list of addresses it must call from; its parent's too. */
  readonly sources: readonly (readonly string[])[]
}

/** What the secrets of a key are at a moment: the newest first. */
export const secretsOf = ({ secret, oldSecret, oldSecretUntil }: SigningKey, now: Moment): readonly string[] =>
  oldSecret !== undefined && now < oldSecretUntil ? [secret, oldSecret] : [secret]

/** The caller of a lasting key. */
export const lastingCaller = (keyId: string, key: SigningKey): Caller => ({
  keyId,
  parentKeyId: '',
  rights: key,
  sources: key.sources ? [key.sources] : [],
})

/** The caller of a temporary key that a lasting one made. */
export const temporaryCaller = (
  keyId: string,
  granted: KeyRights,
  parent: { readonly keyId: string; readonly key: KeyRights },
): Caller => ({
  keyId,
  parentKeyId: parent.keyId,
  rights: { ...lesserRights(granted, parent.key), sources: granted.sources },
  sources: [granted.sources, parent.key.sources].filter((list) => list !== undefined),
})

/**
 * Refuses a caller whose signature held, and who may not do what he asks: his key has ended, it may not be used from there, or
 * his role does not reach. Judged in this order.
 */
export function requireRights(caller: Caller, action: Action, remoteAddress: string, now: Moment): void {
  const { rights, parentKeyId, sources } = caller
  if (rights.expiresAt !== undefined && now >= rights.expiresAt) throw new RdsError('InvalidAccessKeyId.Inactive')
  if (!sources.every((list) => comesFrom(remoteAddress, list))) {
    throw new RdsError('Forbidden.RAM', `This access key may not be used from ${remoteAddress}.`)
  }
  const least = action.role ?? (action.mutates ? 'operate' : 'read')
  if (!mayDo(rights.role, least)) {
    throw new RdsError('Forbidden.RAM', `${action.name} needs the role ${least}; this access key has ${rights.role}.`)
  }
  if (action.lastingKeyOnly && parentKeyId !== '') {
    throw new RdsError('Forbidden.RAM', `${action.name} needs a lasting access key; this one is temporary.`)
  }
}

/**
 * Refuses a key that is limited to some instances a call about another one, and a call that could reach others: of an instance that it
 * may not know of, it is told the same as of one that does not exist.
 */
export function requireInstances({ rights }: Caller, action: Action, values: Readonly<Record<string, unknown>>): void {
  if (rights.instances === undefined || action.limited === 'any') return
  const named = values['DBInstanceId']
  const ids = typeof named === 'string' ? [named] : Array.isArray(named) ? (named as string[]) : []
  if (ids.length === 0 && action.limited !== 'filters') {
    throw new RdsError(
      'Forbidden.RAM',
      `${action.name} without DBInstanceId is not for an access key of some instances.`,
    )
  }
  const foreign = ids.find((id) => !rights.instances?.includes(id))
  if (foreign === undefined) return
  throw new RdsError(
    'Forbidden.InstanceNotFound',
    `The database instance ${foreign} does not exist for this access key.`,
  )
}

/** Whether text is an address or a CIDR block. */
export function isBlock(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)
}

const comesFrom = (address: string, list: readonly string[]): boolean => isIn(address, list.map(parseBlock))
