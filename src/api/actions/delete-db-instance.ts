import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId } from '../parameters.ts'
import { requireMade } from '../require.ts'

/** Ends a clone for ever: its server, its files, and our care for it. */
export const deleteDBInstance = defineAction({
  name: 'DeleteDBInstance',
  about:
    'Starts a task that releases an instance that CloneDBInstance made: its server is ended, its directory removed, and it is deregistered. Its sets stay as its policy says. Any other instance is refused, since its database is not ours: DeregisterDBInstance ends the care for it.',
  extension: false,
  mutates: true,
  role: 'admin',
  parameters: { DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' } },
  neglected: { ReleasedKeepPolicy: 'refused' },
  errors: [
    'InvalidDBInstanceId.NotFound',
    'IncorrectDBInstanceState',
    'OperationDenied.ApiForbidden',
    'BackupJobExists',
  ],
  faults: {
    not_found: 'InvalidDBInstanceId.NotFound',
    locked: 'IncorrectDBInstanceState',
    replayed: 'SignatureNonceUsed',
  },
  reply: z.object({
    RegionId: z.string(),
    TaskId: z.string().describe('Extension: DescribeBackupSetTasks follows it.'),
  }),

  async handle({ DBInstanceId }, { catalog, region, once, wake }) {
    await requireMade(catalog, DBInstanceId, 'InvalidDBInstanceId.NotFound')
    const tasks = await catalog.tasks({ instanceId: DBInstanceId })
    if (!tasks.some(({ kind, state }) => kind === 'clone' && state === 'finished')) {
      throw new RdsError(
        'OperationDenied.ApiForbidden',
        `The instance ${DBInstanceId} was not made by CloneDBInstance: its database is not ours to remove. DeregisterDBInstance ends the care for it.`,
      )
    }
    const open = tasks.filter(({ state }) => state === 'waiting' || state === 'running')
    if (open.some(({ kind }) => kind === 'take-backup')) throw new RdsError('BackupJobExists')
    const task = await catalog.addTask({ kind: 'release', instanceId: DBInstanceId, request: {} }, once)
    wake()
    return { RegionId: region, TaskId: task.id }
  },
})
