import { z } from 'zod'
import { defineAction } from '../action.ts'
import { clientToken } from '../client-token.ts'
import { RdsError } from '../errors.ts'
import { flag, instanceId, setId, utcMinuteOrSecond } from '../parameters.ts'
import { requireRegistered, requireSet } from '../require.ts'
import { requireSource, tableMeta } from '../table-meta.ts'

/** Brings single tables back into a running instance. */
export const restoreTable = defineAction({
  name: 'RestoreTable',
  about:
    'Brings databases or tables of a set back into the instance. No engine here can yet: a call that is well formed is answered with OperationDenied.ApiForbidden, and nothing is done. RestoreBackup restores the whole set into a directory.',
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
    'OperationDenied.ApiForbidden',
  ],
  faults: {},
  reply: z.object({}),

  async handle({ DBInstanceId, BackupId }, { catalog }) {
    await requireRegistered(catalog, DBInstanceId)
    if (BackupId !== undefined) await requireSet(catalog, DBInstanceId, BackupId)
    throw new RdsError(
      'OperationDenied.ApiForbidden',
      'This service cannot restore single tables yet. RestoreBackup restores the whole set into a directory.',
    )
  },
})
