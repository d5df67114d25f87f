import { z } from 'zod'
import { defineAction } from '../action.ts'
import { keyItem, renderKey } from '../key-parameters.ts'

/** The keys there are. */
export const listAccessKeys = defineAction({
  name: 'ListAccessKeys',
  about: 'Lists the access keys, without their secrets. Temporary ones are not kept, and so in no list.',
  extension: true,
  mutates: false,
  role: 'admin',
  parameters: {},
  faults: {},
  reply: z.object({ AccessKeys: z.object({ AccessKey: z.array(keyItem) }) }),

  async handle(_values, { catalog }) {
    const keys = await catalog.keys()
    return { AccessKeys: { AccessKey: keys.map(renderKey) } }
  },
})
