import { newAccessKey } from '../../core/access-key.ts'
import { z } from 'zod'
import { defineAction } from '../action.ts'
import { keyItem, renderKey, RIGHTS } from '../key-parameters.ts'
import { text } from '../parameters.ts'

/** Makes a key. */
export const createAccessKey = defineAction({
  name: 'CreateAccessKey',
  about: 'Makes an access key. Its secret is in this reply and never shown again.',
  extension: true,
  mutates: true,
  role: 'admin',
  lastingKeyOnly: true,
  parameters: {
    Description: { codec: text({ max: 256 }), default: '', about: 'Whose key it is, for people.' },
    ...RIGHTS,
  },
  faults: { replayed: 'SignatureNonceUsed' },
  reply: keyItem.extend({ AccessKeySecret: z.string() }),

  async handle({ Description, Role, InstanceIds, SourceAddresses, ExpireTime }, { catalog, clock, once }) {
    const { id, secret } = newAccessKey()
    const key = {
      id,
      description: Description,
      createdAt: clock.now(),
      role: Role,
      instances: InstanceIds,
      sources: SourceAddresses,
      expiresAt: ExpireTime,
    }
    await catalog.addKey(key, secret, once)
    return { ...renderKey(key), AccessKeySecret: secret }
  },
})
