import { z } from 'zod'
import { defineAction } from '../action.ts'
import { instanceId, setId } from '../parameters.ts'
import { requireSet } from '../require.ts'

/** Ends the links of a set before their time. */
export const revokeBackupLinks = defineAction({
  name: 'RevokeBackupLinks',
  about:
    'Ends every download link of a set that was made until now, at once and in every process. DescribeBackups gives new ones. A download that has begun goes on to its end; it cannot be resumed.',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidBackupSetID.NotFound', 'IncorrectBackupSetState'],
  faults: { not_found: 'InvalidBackupSetID.NotFound', replayed: 'SignatureNonceUsed' },
  reply: z.object({ DBInstanceId: z.string(), BackupId: z.string() }),

  async handle({ DBInstanceId, BackupId }, { catalog, once }) {
    await requireSet(catalog, DBInstanceId, BackupId)
    await catalog.revokeLinks(DBInstanceId, BackupId, once)
    return { DBInstanceId, BackupId }
  },
})
