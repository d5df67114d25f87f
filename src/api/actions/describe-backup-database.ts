import { z } from 'zod'
import { readManifest } from '../../set/read.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, setId } from '../parameters.ts'
import { requireInstance, requireSet } from '../require.ts'

/** The databases that lie in a set. */
export const describeBackupDatabase = defineAction({
  name: 'DescribeBackupDatabase',
  about: 'Names the databases that lie in a set, by its manifest.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    BackupId: { codec: setId, about: 'The set; the newest successful one when not given.' },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidBackupSetID.NotFound', 'IncorrectBackupSetState'],
  faults: { not_found: 'InvalidBackupSetID.NotFound', store_unavailable: 'ServiceUnavailable' },
  reply: z.object({ DatabaseNames: z.string().describe('Names with commas between them.') }),

  async handle({ DBInstanceId, BackupId }, { catalog, store, signal }) {
    await requireInstance(catalog, DBInstanceId)
    const newest = { instanceId: DBInstanceId, status: 'Success', offset: 0, limit: 1 } as const
    const id = BackupId ?? (await catalog.sets(newest)).items[0]?.id
    if (id === undefined) {
      throw new RdsError('InvalidBackupSetID.NotFound', `The instance ${DBInstanceId} has no successful backup set.`)
    }
    const { manifestKey = '' } = await requireSet(catalog, DBInstanceId, id)
    const { postgres, logical } = await readManifest(store, manifestKey, { signal })
    if (logical) return { DatabaseNames: logical.databases.map(({ name }) => name).join(',') }
    const names = new Set((postgres?.collations ?? []).map(({ database }) => database))
    // Templates are the server's own.
    for (const template of ['template0', 'template1']) names.delete(template)
    return { DatabaseNames: [...names].join(',') }
  },
})
