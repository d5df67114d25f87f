import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, setId, text } from '../parameters.ts'
import { requireInstance } from '../require.ts'

const MOST_SETS = 100

/** Removes sets for ever. */
export const deleteBackup = defineAction({
  name: 'DeleteBackup',
  about: 'Deletes backup sets: all that are named, or none. They leave the list at once, their bytes soon after.',
  extension: false,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose sets they are.' },
    BackupId: {
      codec: text({ max: 16_384 }),
      required: true,
      about:
        'Ids of up to 100 sets with commas between them. Each may carry its instance in front, as <DBInstanceId>:<BackupId>.',
    },
  },
  combine({ BackupId }) {
    if (BackupId.split(',').length <= MOST_SETS) return
    throw new RdsError('DeleteBackupSetNumExceed', `At most ${MOST_SETS} backup sets can be deleted in one call.`)
  },
  errors: ['DeleteBackupSetNumExceed', 'InvalidDBInstanceName.NotFound', 'InvalidBackupSetID.NotFound'],
  faults: {
    locked: 'OperationDenied.BackupSetDeleteNotSupport',
    not_found: 'InvalidBackupSetID.NotFound',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({}),

  async handle({ DBInstanceId, BackupId }, { catalog, once, wake }) {
    const setIds = readSetIds(BackupId, DBInstanceId)
    await requireInstance(catalog, DBInstanceId)
    await catalog.removeSets(DBInstanceId, setIds, once)
    wake()
    return {}
  },
})

/** The ids of the list, each once. One of another form, or with another instance in front, is a set that does not exist. */
function readSetIds(list: string, instance: string): string[] {
  const ids = list.split(',').map((entry) => {
    const id = entry.startsWith(`${instance}:`) ? entry.slice(instance.length + 1) : entry
    if (setId.parse(id) !== undefined) return id
    throw new RdsError(
      'InvalidBackupSetID.NotFound',
      `BackupId ${entry.slice(0, 64)} names no backup set of the instance.`,
    )
  })
  return [...new Set(ids)]
}
