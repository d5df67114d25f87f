import { join } from 'node:path'
import { bulkSets } from '../src/catalog/bulk.ts'
import { openCatalog } from '../src/catalog/open.ts'
import type { BackupSet } from '../src/core/backup-set.ts'
import { Fault } from '../src/core/fault.ts'
import { DEFAULT_SETTINGS } from '../src/core/instance.ts'
import { systemClock } from '../src/lib/clock.ts'
import { silentLog } from '../src/lib/log.ts'
import { openKeyFile } from '../src/lib/seal.ts'

/** What a loaded catalog holds. */
export interface Load {
  readonly instances: number
  readonly setsPerInstance: number
}

/** Name of the n-th loaded instance. */
export const instanceName = (n: number): string => `pgm-bench${String(n).padStart(8, '0')}`

const HOUR = 3_600_000
const FIRST = 1_600_000_000_000

/** Puts instances with sets, one an hour, into the embedded catalog of a data directory that no service has open. */
export async function loadCatalog(dataDirectory: string, load: Load): Promise<void> {
  const sealer = await openKeyFile(
    join(dataDirectory, 'key'),
    (message, options) => new Fault('invalid', message, options),
  )
  const url = `sqlite:${join(dataDirectory, 'catalog.db')}`
  const options = { url, sealer, clock: systemClock, log: silentLog }
  const catalog = await openCatalog(options)
  for (let n = 0; n < load.instances; n++) {
    await catalog.addInstance({
      id: instanceName(n),
      engine: 'postgres',
      engineVersion: '18.0',
      description: 'benchmark',
      settings: DEFAULT_SETTINGS,
      systemIdentifier: '7399999999999999999',
      createdAt: FIRST,
      nodes: [],
    })
  }
  await catalog.close()
  await bulkSets(options, sets(load))
}

function* sets({ instances, setsPerInstance }: Load): Generator<BackupSet> {
  for (let n = 0; n < instances; n++) {
    const instanceId = instanceName(n)
    for (let k = 0; k < setsPerInstance; k++) {
      const id = String(FIRST + n * setsPerInstance + k)
      const startedAt = FIRST + k * HOUR
      yield {
        id,
        instanceId,
        nodeId: String(5_000_000_000 + n),
        status: 'Success',
        type: 'FullBackup',
        mode: 'Automated',
        method: 'Physical',
        startedAt,
        endedAt: startedAt + 60_000,
        consistentAt: startedAt + 50_000,
        size: 123_456_789,
        available: true,
        engine: 'postgres',
        engineVersion: '18.0',
        manifestKey: `sets/${instanceId}/${id}/${id}-1/manifest.json`,
        parentId: undefined,
        reason: undefined,
        held: false,
        verifiedAt: undefined,
      }
    }
  }
}
