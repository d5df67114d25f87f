import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { text } from '../parameters.ts'

/** Ends a key. */
export const deleteAccessKey = defineAction({
  name: 'DeleteAccessKey',
  about:
    'Deletes an access key: calls signed with it are refused from now on. The last key there is cannot be deleted.',
  extension: true,
  mutates: true,
  role: 'admin',
  lastingKeyOnly: true,
  parameters: { UserAccessKeyId: { codec: text({ max: 128 }), required: true, about: 'The key to delete.' } },
  errors: ['OperationDenied.LastAccessKey'],
  faults: { not_found: 'InvalidAccessKeyId.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ AccessKeyId: z.string() }),

  async handle({ UserAccessKeyId }, { catalog, caller, once }) {
    const keys = await catalog.keys()
    if (keys.length === 1 && UserAccessKeyId === caller.keyId) {
      throw new RdsError(
        'OperationDenied.LastAccessKey',
        'The last access key cannot be deleted. Create another one first.',
      )
    }
    await catalog.removeKey(UserAccessKeyId, once)
    return { AccessKeyId: UserAccessKeyId }
  },
})
