import { z } from 'zod'
import { KEY_ROLES, newTemporaryKey, type KeyRights } from '../core/access-key.ts'
import type { Moment } from '../lib/clock.ts'
import type { Sealer } from '../lib/seal.ts'
import { RdsError } from './errors.ts'

const PURPOSE = 'temporary access key'

const content = z.object({
  id: z.string(),
  secret: z.string(),
  parent: z.string(),
  role: z.enum(KEY_ROLES),
  instances: z.array(z.string()).optional(),
  sources: z.array(z.string()).optional(),
  expiresAt: z.int(),
})

/** A temporary key as its token tells: nothing of it is kept anywhere, and every process with the key file can read it. */
export interface TemporaryKey {
  readonly id: string
  readonly secret: string
  readonly parent: string
  readonly rights: KeyRights & { readonly expiresAt: Moment }
}

/** Makes a temporary key, and the token that goes with it. */
export function makeTemporaryKey(
  sealer: Sealer,
  parent: string,
  rights: TemporaryKey['rights'],
): { readonly key: TemporaryKey; readonly token: string } {
  const { id, secret } = newTemporaryKey()
  const sealed = sealer.seal(JSON.stringify({ id, secret, parent, ...rights }), PURPOSE)
  return { key: { id, secret, parent, rights }, token: sealed }
}

/** The key that a token goes with. Refuses a token that is none of ours, or of another key. */
export function openTemporaryKey(sealer: Sealer, keyId: string, token: string): TemporaryKey {
  const { id, secret, parent, ...rights } = readToken(sealer, token)
  if (id !== keyId) throw new RdsError('InvalidSecurityToken.MismatchWithAccessKey')
  const { role, instances, sources, expiresAt } = rights
  return { id, secret, parent, rights: { role, instances, sources, expiresAt } }
}

function readToken(sealer: Sealer, token: string): z.infer<typeof content> {
  try {
    return content.parse(JSON.parse(sealer.open(token, PURPOSE)))
  } catch (cause) {
    throw new RdsError('InvalidSecurityToken.Malformed', undefined, { cause })
  }
}
