import { z } from 'zod'
import { newAccessKey } from '../../core/access-key.ts'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { text } from '../parameters.ts'

/** Makes a key that may call everything. */
export const createAccessKey = defineAction({
  name: 'CreateAccessKey',
  about: 'Makes an access key. Its secret is in this reply and never shown again.',
  extension: true,
  mutates: true,
  parameters: { Description: { codec: text({ max: 256 }), default: '', about: 'Whose key it is, for people.' } },
  faults: { replayed: 'SignatureNonceUsed' },
  reply: z.object({
    AccessKeyId: z.string(),
    AccessKeySecret: z.string(),
    Description: z.string(),
    CreateTime: z.string(),
  }),

  async handle({ Description }, { catalog, clock, once }) {
    const { id, secret } = newAccessKey()
    const createdAt = clock.now()
    await catalog.addKey({ id, description: Description, createdAt }, secret, once)
    return { AccessKeyId: id, AccessKeySecret: secret, Description, CreateTime: isoSeconds(createdAt) }
  },
})
