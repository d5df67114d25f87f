import { z } from 'zod'
import { defineAction } from '../action.ts'
import { instanceId, setId } from '../parameters.ts'
import { requireOpenable, requireSet } from '../require.ts'

/** Proves that a set comes back. */
export const drillBackup = defineAction({
  name: 'DrillBackup',
  about:
    'Starts a task that restores a set into the scratch directory of a worker (drills.directory), a logical one into a new server there, starts it, checks every relation and counts every row, and removes it again. IsAvail and DrilledTime of the set come from it.',
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
  reply: z.object({ TaskId: z.string().describe('DescribeBackupSetTasks follows it; its Result is what was found.') }),

  async handle({ DBInstanceId, BackupId }, { catalog, encryption, once, wake }) {
    requireOpenable(await requireSet(catalog, DBInstanceId, BackupId), encryption)
    const task = await catalog.addTask({ kind: 'drill', instanceId: DBInstanceId, setId: BackupId, request: {} }, once)
    wake()
    return { TaskId: task.id }
  },
})
