import { z } from 'zod'
import { newSecret } from '../../core/access-key.ts'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { integer, text } from '../parameters.ts'

const A_DAY = 86_400
const A_MONTH = 31 * A_DAY

/** Gives a key another secret. */
export const rotateAccessKey = defineAction({
  name: 'RotateAccessKey',
  about:
    'Gives an access key another secret, which is in this reply and never shown again. The one it had signs too for a while, so that its users can be changed one by one; one before that ends.',
  extension: true,
  mutates: true,
  role: 'admin',
  lastingKeyOnly: true,
  parameters: {
    UserAccessKeyId: { codec: text({ max: 128 }), required: true, about: 'The key.' },
    OldSecretSeconds: {
      codec: integer({ min: 0, max: A_MONTH }),
      default: A_DAY,
      about: 'How long the secret that it has goes on to sign; 0 ends it now.',
    },
  },
  errors: ['InvalidAccessKeyId.NotFound'],
  faults: { not_found: 'InvalidAccessKeyId.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ AccessKeyId: z.string(), AccessKeySecret: z.string(), OldSecretExpireTime: z.string() }),

  async handle({ UserAccessKeyId, OldSecretSeconds }, { catalog, clock, once }) {
    const secret = newSecret()
    const until = clock.now() + OldSecretSeconds * 1000
    await catalog.rotateKey(UserAccessKeyId, secret, until, once)
    return { AccessKeyId: UserAccessKeyId, AccessKeySecret: secret, OldSecretExpireTime: isoSeconds(until) }
  },
})
