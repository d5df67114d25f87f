import { randomBytes } from 'node:crypto'
import type { Moment } from '../lib/clock.ts'

/** What a key may do: each role may do what those before it may. */
export const KEY_ROLES = ['read', 'operate', 'admin'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

/** What a key may do, on what, from where and until when. */
export interface KeyRights {
  readonly role: KeyRole
  /** The only instances it may know of; undefined for all. */
  readonly instances: readonly string[] | undefined
  /** Addresses and CIDR blocks that it may call from; undefined for anywhere. */
  readonly sources: readonly string[] | undefined
  /** From then on it is refused; undefined for never. */
  readonly expiresAt: Moment | undefined
}

/** The rights of a key that was made before there were any others. */
export const ALL_RIGHTS: KeyRights = { role: 'admin', instances: undefined, sources: undefined, expiresAt: undefined }

/** Whether a role may do what needs `least`. */
export const mayDo = (role: KeyRole, least: KeyRole): boolean => KEY_ROLES.indexOf(role) >= KEY_ROLES.indexOf(least)

/** What both allow: a temporary key has never more than the one that made it has now. Sources are told apart by `sourcesOf`. */
export function lesserRights(a: KeyRights, b: KeyRights): Omit<KeyRights, 'sources'> {
  const ends = [a.expiresAt, b.expiresAt].filter((end) => end !== undefined)
  return {
    role: mayDo(a.role, b.role) ? b.role : a.role,
    instances:
      a.instances && b.instances ? a.instances.filter((id) => b.instances?.includes(id)) : (a.instances ?? b.instances),
    expiresAt: ends.length === 0 ? undefined : Math.min(...ends),
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A fresh access key: an id of 24 letters and digits that starts with `HF`, and a secret of 40 with 238 bits of chance. */
export const newAccessKey = (): { readonly id: string; readonly secret: string } => ({
  id: `HF${randomText(22)}`,
  secret: newSecret(),
})

/** A fresh secret: 40 letters and digits. */
export const newSecret = (): string => randomText(40)

/** A fresh temporary access key, whose id starts with `STS.` as clients of RDS expect it. */
export const newTemporaryKey = (): { readonly id: string; readonly secret: string } => ({
  id: `STS.${randomText(24)}`,
  secret: newSecret(),
})

/** Letters and digits, each as likely as the other: bytes that would favour the first ones are thrown away. */
function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 4 * LETTERS.length && text.length < length) text += LETTERS[byte % LETTERS.length]
    }
  }
  return text
}
