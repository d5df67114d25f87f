import { z } from 'zod'
import type { RestoreIntoRequest } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { answering, clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { flag, instanceId, setId, utcMinuteOrSecond } from '../parameters.ts'
import { requireOpenable, requireRegistered, requireSet } from '../require.ts'
import { piecesOf } from '../restore-piece.ts'
import { requireSource, tableMeta } from '../table-meta.ts'

/** Brings single tables back into a running instance. */
export const restoreTable = defineAction({
  name: 'RestoreTable',
  about:
    'Starts a task that brings databases or tables of a logical set back into the primary of the instance that it is of; DescribeBackupSetTasks follows it. What is there already is never overwritten: give a newname. To another instance: RestoreBackup.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    TableMeta: { ...tableMeta, required: true },
    BackupId: { codec: setId, about: 'The set to take them from.' },
    RestoreTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidRestoreTime.Format',
      about: 'The moment to bring them back to, instead of a set.',
    },
    InstantRecovery: { codec: flag, default: false, about: 'Makes no difference here.' },
    ClientToken: clientToken,
  },
  combine: (values) => requireSource(values),
  errors: [
    'InvalidDBInstanceName.NotFound',
    'InvalidBackupSetID.NotFound',
    'IncorrectBackupSetState',
    'MissBackupSetAndRestoreTime.NotFound',
    'InvalidParameterCombination',
    'InvalidParamTableMeta',
    'IncorrectBackupSetMethod',
    'IdempotentParameterMismatch',
    'OperationDenied.ApiForbidden',
  ],
  faults: {
    not_found: 'InvalidBackupSetID.NotFound',
    locked: 'IncorrectBackupSetState',
    conflict: 'IncorrectBackupSetState',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({}),

  async handle({ DBInstanceId, BackupId, TableMeta }, { catalog, encryption, once, wake }) {
    await requireRegistered(catalog, DBInstanceId)
    if (BackupId === undefined) {
      throw new RdsError(
        'OperationDenied.ApiForbidden',
        'This service restores tables from sets, and not to a moment yet. Name BackupId instead of RestoreTime.',
      )
    }
    const set = await requireSet(catalog, DBInstanceId, BackupId)
    const pieces = piecesOf(TableMeta)
    if (set.method !== 'Logical') {
      throw new RdsError(
        'IncorrectBackupSetMethod',
        `The backup set ${BackupId} is physical, which has no single tables. RestoreBackup restores it into a directory.`,
      )
    }
    requireOpenable(set, encryption)
    const request: RestoreIntoRequest = { into: DBInstanceId, pieces, owners: true, tablespaces: true }
    const task = { kind: 'restore', instanceId: DBInstanceId, setId: BackupId, request } as const
    await catalog.addTask(
      task,
      answering(once, () => ({})),
    )
    wake()
    return {}
  },
})
