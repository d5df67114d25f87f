import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, setId } from '../parameters.ts'
import { noteKeep, NOTE_FAULTS } from '../note-keep.ts'
import { requireSet } from '../require.ts'
import { setEnd } from '../set-end.ts'

/** Gives one set an end of its own. */
export const modifyBackupSetExpireTime = defineAction({
  name: 'ModifyBackupSetExpireTime',
  about:
    'Gives a set an end of its own instead of that of its policy. What always stays by the policy (RetentionMinimum), is pinned, or is needed by another set stays beyond it.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
    ExpectExpireTime: {
      codec: setEnd,
      required: true,
      about: 'When the set goes. Extension: Never, or Policy for the end that its policy gives.',
    },
  },
  errors: [
    'InvalidDBInstanceName.NotFound',
    'InvalidBackupSetID.NotFound',
    'IncorrectBackupSetState',
    'InvalidParameter',
  ],
  faults: { not_found: 'InvalidBackupSetID.NotFound', replayed: 'SignatureNonceUsed', ...NOTE_FAULTS },
  reply: z.object({
    Code: z.literal('200').describe('What RDS answers here, and nowhere else.'),
    Data: z.string(),
    Message: z.literal(''),
    Success: z.literal(true),
  }),

  async handle({ DBInstanceId, BackupId, ExpectExpireTime }, { catalog, store, clock, once }) {
    await requireSet(catalog, DBInstanceId, BackupId)
    const { expiresAt } = ExpectExpireTime
    if (expiresAt !== undefined && expiresAt <= clock.now()) {
      throw new RdsError('InvalidParameter', 'ExpectExpireTime must be a time to come. DeleteBackup removes a set now.')
    }
    await catalog.setExpiry(DBInstanceId, [BackupId], expiresAt, once)
    await noteKeep(catalog, store, DBInstanceId)
    return { Code: '200' as const, Data: BackupId, Message: '' as const, Success: true as const }
  },
})
