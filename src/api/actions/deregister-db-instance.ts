import { z } from 'zod'
import { writeInstanceRecord } from '../../set/instance-record.ts'
import { defineAction } from '../action.ts'
import { instanceId } from '../parameters.ts'
import { requireMade } from '../require.ts'

/** Ends our care for a database, and keeps what was backed up. */
export const deregisterDBInstance = defineAction({
  name: 'DeregisterDBInstance',
  about:
    'Ends the care for an instance: no backups are taken any more. Its sets stay: they are listed, downloaded, restored and deleted as before.',
  extension: true,
  mutates: true,
  role: 'admin',
  parameters: { DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' } },
  errors: ['InvalidDBInstanceName.NotFound', 'IncorrectDBInstanceState'],
  faults: {
    locked: 'BackupJobExists',
    not_found: 'InvalidDBInstanceName.NotFound',
    replayed: 'SignatureNonceUsed',
    conflict: 'ServiceUnavailable',
    store_unavailable: 'ServiceUnavailable',
    store_full: 'ServiceUnavailable',
  },
  reply: z.object({ DBInstanceId: z.string() }),

  async handle({ DBInstanceId }, { catalog, store, clock, once }) {
    const instance = await requireMade(catalog, DBInstanceId)
    const at = clock.now()
    await catalog.deregisterInstance(DBInstanceId, at, once)
    await writeInstanceRecord(store, { ...instance, deregisteredAt: at, version: instance.version + 1 })
    return { DBInstanceId }
  },
})
