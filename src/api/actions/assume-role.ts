import { z } from 'zod'
import { KEY_ROLES, lesserRights } from '../../core/access-key.ts'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { instanceIds, sourceAddresses } from '../key-parameters.ts'
import { integer, oneOf, text } from '../parameters.ts'
import { makeTemporaryKey } from '../temporary-key.ts'

/** Makes a temporary key. */
export const assumeRole = defineAction({
  name: 'AssumeRole',
  about:
    'Makes a temporary access key that may do at most what the caller may, in the manner of STS: its SecurityToken goes with each call. Nothing of it is kept; it ends with its time, and with the key that made it.',
  extension: true,
  mutates: true,
  role: 'read',
  limited: 'any',
  lastingKeyOnly: true,
  parameters: {
    RoleSessionName: { codec: text({ min: 1, max: 64 }), required: true, about: 'Who will use it, for the audit.' },
    DurationSeconds: { codec: integer({ min: 60, max: 43_200 }), default: 3600, about: 'How long it lives.' },
    Role: { codec: oneOf(KEY_ROLES), about: 'Its role; that of the caller when not given, and never more.' },
    InstanceIds: { codec: instanceIds, about: 'The only instances that it may know of, of those of the caller.' },
    SourceAddresses: { codec: sourceAddresses, about: 'Where it may be used from, beside the limits of the caller.' },
  },
  faults: { replayed: 'SignatureNonceUsed' },
  reply: z.object({
    Credentials: z.object({
      AccessKeyId: z.string(),
      AccessKeySecret: z.string(),
      SecurityToken: z.string(),
      Expiration: z.string(),
    }),
  }),

  async handle({ DurationSeconds, Role, InstanceIds, SourceAddresses }, { catalog, caller, sealer, clock, once }) {
    const asked = {
      role: Role ?? caller.rights.role,
      instances: InstanceIds,
      sources: SourceAddresses,
      expiresAt: clock.now() + DurationSeconds * 1000,
    }
    const { role, instances, expiresAt = asked.expiresAt } = lesserRights(asked, caller.rights)
    const rights = { role, instances, sources: SourceAddresses, expiresAt }
    await catalog.spendCall(once)
    const { key, token } = makeTemporaryKey(sealer, caller.keyId, rights)
    return {
      Credentials: {
        AccessKeyId: key.id,
        AccessKeySecret: key.secret,
        SecurityToken: token,
        Expiration: isoSeconds(expiresAt),
      },
    }
  },
})
