import { z } from 'zod'
import { defineAction } from '../action.ts'
import { oneOf } from '../parameters.ts'

const region = z.object({
  RegionId: z.string(),
  ZoneId: z.string(),
  LocalName: z.string(),
  ZoneName: z.string(),
  RegionEndpoint: z.string().describe('Host and port of this service.'),
})

/** The one region of this service. */
export const describeRegions = defineAction({
  name: 'DescribeRegions',
  about: 'Names the one region of this service and where it is reached.',
  extension: false,
  mutates: false,
  limited: 'any',
  parameters: {
    AcceptLanguage: {
      codec: oneOf(['zh-CN', 'en-US']),
      malformed: 'InvalidAcceptLanguage.NotFound',
      about: 'Names are the same in both languages.',
    },
  },
  faults: {},
  reply: z.object({ Regions: z.object({ RDSRegion: z.array(region) }) }),

  handle: async (_values, context) => ({
    Regions: {
      RDSRegion: [
        {
          RegionId: context.region,
          ZoneId: `${context.region}-a`,
          LocalName: context.region,
          ZoneName: `${context.region}-a`,
          RegionEndpoint: new URL(context.links.publicUrl).host,
        },
      ],
    },
  }),
})
