import { z } from 'zod'
import { defineAction } from '../action.ts'
import { flag, instanceId, setId } from '../parameters.ts'
import { noteKeep, NOTE_FAULTS } from '../note-keep.ts'
import { requireSet } from '../require.ts'

/** Keeps one set whatever happens. */
export const pinBackupSet = defineAction({
  name: 'PinBackupSet',
  about: 'Pins a set: neither its policy nor DeleteBackup removes it until it is unpinned.',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
    Pinned: { codec: flag, default: true, about: 'false unpins it.' },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'InvalidBackupSetID.NotFound', 'IncorrectBackupSetState'],
  faults: { not_found: 'InvalidBackupSetID.NotFound', replayed: 'SignatureNonceUsed', ...NOTE_FAULTS },
  reply: z.object({ DBInstanceId: z.string(), BackupId: z.string(), Pinned: z.boolean() }),

  async handle({ DBInstanceId, BackupId, Pinned }, { catalog, store, once }) {
    await requireSet(catalog, DBInstanceId, BackupId)
    await catalog.pinSet(DBInstanceId, BackupId, Pinned, once)
    await noteKeep(catalog, store, DBInstanceId)
    return { DBInstanceId, BackupId, Pinned }
  },
})
