import { z } from 'zod'
import { defineAction } from '../action.ts'
import { bandwidth } from '../parameters.ts'

/** Changes the limit of bandwidth of the service. */
export const modifyServiceBandwidth = defineAction({
  name: 'ModifyServiceBandwidth',
  about:
    'Limits how many bytes a second all backups together put into the store, also those that run; they share it evenly. Limits of instances (ModifyDBInstanceSettings) hold beside it.',
  extension: true,
  mutates: true,
  role: 'admin',
  parameters: {
    MaxBytesPerSecond: { codec: bandwidth, required: true, about: 'At least 65536, or 0 for no limit.' },
  },
  faults: { replayed: 'SignatureNonceUsed' },
  reply: z.object({ MaxBytesPerSecond: z.int() }),

  async handle({ MaxBytesPerSecond }, { catalog, once }) {
    await catalog.setBandwidth(MaxBytesPerSecond, once)
    return { MaxBytesPerSecond }
  },
})
