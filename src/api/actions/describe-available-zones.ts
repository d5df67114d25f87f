import { z } from 'zod'
import { defineAction } from '../action.ts'
import { engineKind } from '../names.ts'
import { oneOf, text } from '../parameters.ts'
import { requireRegion } from '../region.ts'

const zone = z.object({
  RegionId: z.string(),
  ZoneId: z.string(),
  SupportedEngines: z.array(
    z.object({
      Engine: z.string(),
      SupportedEngineVersions: z.array(
        z.object({ Version: z.string(), SupportedCategorys: z.array(z.object({ Category: z.string() })) }),
      ),
    }),
  ),
})

/** PostgreSQL's versions that backups are taken of. */
const VERSIONS = ['14.0', '15.0', '16.0', '17.0', '18.0']

/** The one zone of this service, and what can be backed up in it. */
export const describeAvailableZones = defineAction({
  name: 'DescribeAvailableZones',
  about: 'Names the one zone of this service, and which versions of an engine it takes backups of.',
  extension: false,
  mutates: false,
  limited: 'any',
  parameters: {
    Engine: { codec: oneOf(['MySQL', 'MariaDB', 'PostgreSQL', 'SQLServer']), required: true, about: 'The engine.' },
    EngineVersion: { codec: text({ min: 1, max: 16 }), about: 'Only this version.' },
    RegionId: { codec: text({ max: 64 }), about: 'The region of this service.' },
    ZoneId: { codec: text({ min: 1, max: 64 }), about: 'Only this zone.' },
  },
  neglected: { Category: 'ignored', CommodityCode: 'ignored', DBInstanceName: 'ignored', DispenseMode: 'ignored' },
  errors: ['InvalidRegionId.NotFound'],
  faults: {},
  reply: z.object({ AvailableZones: z.array(zone) }),

  async handle({ Engine, EngineVersion, RegionId, ZoneId }, { region }) {
    if (RegionId !== undefined) requireRegion(RegionId, region)
    const own = `${region}-a`
    const known = engineKind(Engine) === 'postgres' ? VERSIONS : []
    const versions = known.filter((version) => EngineVersion === undefined || version === EngineVersion)
    if (versions.length === 0 || (ZoneId ?? own) !== own) return { AvailableZones: [] }
    const SupportedCategorys = [{ Category: 'Basic' }, { Category: 'HighAvailability' }]
    const SupportedEngineVersions = versions.map((Version) => ({ Version, SupportedCategorys }))
    return {
      AvailableZones: [{ RegionId: region, ZoneId: own, SupportedEngines: [{ Engine, SupportedEngineVersions }] }],
    }
  },
})
