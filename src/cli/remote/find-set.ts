import { z } from 'zod'
import { backupItem } from '../../api/backup-item.ts'
import { instanceItem } from '../../api/instance-item.ts'
import { Fault } from '../../core/fault.ts'
import type { CallParameters, Client } from './client.ts'

/** A set as DescribeBackups shows it. */
export type BackupItem = z.infer<typeof backupItem>

const regions = z.object({ Regions: z.object({ RDSRegion: z.array(z.object({ RegionId: z.string() })) }) })
const instancePage = z.object({ TotalRecordCount: z.int(), Items: z.object({ DBInstance: z.array(instanceItem) }) })
const setPage = z.object({ TotalRecordCount: z.int(), Items: z.object({ Backup: z.array(backupItem) }) })

const INSTANCES_A_PAGE = 100
const SETS_A_PAGE = 100

/** Every registered instance. */
export async function listInstances(client: Client): Promise<z.infer<typeof instanceItem>[]> {
  const { Regions } = await client.call('DescribeRegions', {}, regions)
  const RegionId = Regions.RDSRegion[0]?.RegionId
  const items: z.infer<typeof instanceItem>[] = []
  for (let page = 1; ; page++) {
    const asked = { RegionId, PageSize: String(INSTANCES_A_PAGE), PageNumber: String(page) }
    const reply = await client.call('DescribeDBInstances', asked, instancePage)
    items.push(...reply.Items.DBInstance)
    if (items.length >= reply.TotalRecordCount || reply.Items.DBInstance.length === 0) return items
  }
}

/** Up to `limit` sets of an instance, newest first, and how many there are. */
export async function listSets(
  client: Client,
  wanted: CallParameters,
  limit: number,
): Promise<{ readonly total: number; readonly items: BackupItem[] }> {
  const items: BackupItem[] = []
  for (let page = 1; ; page++) {
    const asked = { ...wanted, PageSize: String(SETS_A_PAGE), PageNumber: String(page) }
    const reply = await client.call('DescribeBackups', asked, setPage)
    items.push(...reply.Items.Backup)
    const done = items.length >= Math.min(limit, reply.TotalRecordCount) || reply.Items.Backup.length === 0
    if (done) return { total: reply.TotalRecordCount, items: items.slice(0, limit) }
  }
}

/** The set of this id: of the named instance, else looked for in every registered one. Fault 'not_found' when there is none. */
export async function findSet(client: Client, setId: string, instanceId: string | undefined): Promise<BackupItem> {
  const instances =
    instanceId === undefined ? (await listInstances(client)).map((item) => item.DBInstanceId) : [instanceId]
  for (const DBInstanceId of instances) {
    const { items } = await listSets(client, { DBInstanceId, BackupId: setId }, 1)
    if (items[0]) return items[0]
  }
  throw new Fault('not_found', `no set ${setId}`, {
    hint:
      instanceId === undefined ? 'For a set of an instance that was removed, name that with --instance.' : undefined,
  })
}
