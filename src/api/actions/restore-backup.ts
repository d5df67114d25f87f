import { z } from 'zod'
import type { RestoreRequest } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { instanceId, setId, text } from '../parameters.ts'
import { requireSet } from '../require.ts'
import { requireRestoreTarget } from '../restore-target.ts'

/** Brings a set back as a database in a directory of the machine that the worker runs on. */
export const restoreBackup = defineAction({
  name: 'RestoreBackup',
  about:
    'Starts a task that restores a set into a directory below one of restore.roots, on the machine of the worker. The database is not started.',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
    TargetPath: {
      codec: text({ max: 4096 }),
      required: true,
      about: 'An absolute path below one of restore.roots. The directory does not exist, or is empty.',
    },
  },
  errors: [
    'OperationDenied.RestoreTarget',
    'InvalidTargetPath',
    'InvalidDBInstanceName.NotFound',
    'InvalidBackupSetID.NotFound',
    'IncorrectBackupSetState',
  ],
  faults: {
    not_found: 'InvalidBackupSetID.NotFound',
    invalid: 'InvalidTargetPath',
    forbidden: 'OperationDenied.RestoreTarget',
    locked: 'IncorrectBackupSetState',
    conflict: 'IncorrectBackupSetState',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({ TaskId: z.string().describe('DescribeBackupSetTasks follows it.'), TargetPath: z.string() }),

  async handle({ DBInstanceId, BackupId, TargetPath }, { catalog, once, restoreRoots, wake }) {
    const to = await requireRestoreTarget(TargetPath, restoreRoots)
    await requireSet(catalog, DBInstanceId, BackupId)
    const request: RestoreRequest = { to }
    const task = await catalog.addTask({ kind: 'restore', instanceId: DBInstanceId, setId: BackupId, request }, once)
    wake()
    return { TaskId: task.id, TargetPath: to }
  },
})
