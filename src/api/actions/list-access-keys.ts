import { z } from 'zod'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'

const item = z.object({ AccessKeyId: z.string(), Description: z.string(), CreateTime: z.string() })

/** The keys there are. */
export const listAccessKeys = defineAction({
  name: 'ListAccessKeys',
  about: 'Lists the access keys, without their secrets.',
  extension: true,
  mutates: false,
  parameters: {},
  faults: {},
  reply: z.object({ AccessKeys: z.object({ AccessKey: z.array(item) }) }),

  async handle(_values, { catalog }) {
    const keys = await catalog.keys()
    return {
      AccessKeys: {
        AccessKey: keys.map(({ id, description, createdAt }) => ({
          AccessKeyId: id,
          Description: description,
          CreateTime: isoSeconds(createdAt),
        })),
      },
    }
  },
})
