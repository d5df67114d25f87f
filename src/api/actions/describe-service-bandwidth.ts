import { z } from 'zod'
import { defineAction } from '../action.ts'

/** Tells the limit of bandwidth of the service. */
export const describeServiceBandwidth = defineAction({
  name: 'DescribeServiceBandwidth',
  about: 'Tells how many bytes a second all backups together may put into the store.',
  extension: true,
  mutates: false,
  limited: 'any',
  parameters: {},
  faults: {},
  reply: z.object({ MaxBytesPerSecond: z.int().describe('0: no limit.') }),

  handle: async (_values, { catalog }) => ({ MaxBytesPerSecond: await catalog.bandwidth() }),
})
