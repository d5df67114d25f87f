import { z } from 'zod'
import { defineAction } from '../action.ts'
import { instanceId, setId } from '../parameters.ts'
import { requireSet } from '../require.ts'

/** Proves that the stored bytes of a set are still right. */
export const verifyBackup = defineAction({
  name: 'VerifyBackup',
  about:
    "Starts a task that reads every stored byte of a set and holds it against the manifest. Of a set that is encrypted and that the service has no identity for, it holds the stored bytes against it, and not what is in them: `opened` of the task's Result is false.",
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidBackupSetID.NotFound', 'IncorrectBackupSetState'],
  faults: {
    not_found: 'InvalidBackupSetID.NotFound',
    locked: 'IncorrectBackupSetState',
    conflict: 'IncorrectBackupSetState',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({ TaskId: z.string().describe('DescribeBackupSetTasks follows it.') }),

  async handle({ DBInstanceId, BackupId }, { catalog, once, wake }) {
    await requireSet(catalog, DBInstanceId, BackupId)
    const task = await catalog.addTask({ kind: 'verify', instanceId: DBInstanceId, setId: BackupId, request: {} }, once)
    wake()
    return { TaskId: task.id }
  },
})
