import { z } from 'zod'
import type { RestoreRequest } from '../../core/task.ts'
import { defineAction, type ActionContext } from '../action.ts'
import { RdsError } from '../errors.ts'
import { databaseName, flag, instanceId, setId, text } from '../parameters.ts'
import { requireOpenable, requireRegistered, requireSet } from '../require.ts'
import { checkPieceValues, pieceOf, type PieceValues } from '../restore-piece.ts'
import { requireRestoreTarget } from '../restore-target.ts'

/** Brings a set back: as a database in a directory of the worker's machine, or into an instance that runs. */
export const restoreBackup = defineAction({
  name: 'RestoreBackup',
  about:
    'Starts a task that restores a set into a directory below one of restore.roots, on the machine of the worker, where the database is not started; or a logical one, or a piece of it, into the primary of an instance. Name one of TargetPath and TargetDBInstanceId.',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose set it is.' },
    BackupId: { codec: setId, required: true, about: 'The set.' },
    TargetPath: {
      codec: text({ max: 4096 }),
      about:
        'An absolute path below one of restore.roots. The directory does not exist, or is empty. A logical set becomes a server of its own there.',
    },
    TargetDBInstanceId: {
      codec: instanceId,
      about: 'Of a logical set: the registered instance that it goes into, which may be the one that it is of.',
    },
    DBName: {
      codec: databaseName,
      about: 'Only this database. Absent: every one, with roles and tablespaces where the set has them.',
    },
    SchemaName: { codec: databaseName, about: 'Only this schema of the database.' },
    TableName: { codec: databaseName, about: 'Only this table of the schema; of public when none is named.' },
    NewName: { codec: databaseName, about: 'What the table, the schema or the database is called there.' },
    TargetDBName: {
      codec: databaseName,
      about: 'The database there that a schema or table goes into. Absent: one of the same name.',
    },
    Owners: {
      codec: flag,
      default: true,
      about:
        'False: everything belongs to the role of the node, nobody else gets rights, and no roles or tablespaces are made.',
    },
    Tablespaces: { codec: flag, default: true, about: 'False: everything lies in the default tablespace.' },
  },
  combine(values) {
    const { TargetPath, TargetDBInstanceId } = values
    if (TargetPath === undefined && TargetDBInstanceId === undefined) {
      throw new RdsError('MissingParameter', 'The parameter TargetPath or TargetDBInstanceId is required.')
    }
    checkPieceValues(values)
    if (TargetPath === undefined) return
    if (TargetDBInstanceId !== undefined || pieceOf(values)) {
      throw new RdsError(
        'InvalidParameterCombination',
        'TargetPath goes with none of TargetDBInstanceId, DBName and what belongs to it.',
      )
    }
  },
  errors: [
    'MissingParameter',
    'InvalidParameterCombination',
    'OperationDenied.RestoreTarget',
    'InvalidTargetPath',
    'InvalidDBInstanceName.NotFound',
    'InvalidDBInstance.NotFound',
    'Forbidden.InstanceNotFound',
    'InvalidBackupSetID.NotFound',
    'IncorrectBackupSetMethod',
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
  reply: z.object({
    TaskId: z.string().describe('DescribeBackupSetTasks follows it.'),
    TargetPath: z.string().describe('Empty for a restore into an instance.'),
  }),

  async handle(values, context) {
    const { DBInstanceId, BackupId, TargetDBInstanceId } = values
    const { catalog, once, wake } = context
    const request =
      TargetDBInstanceId === undefined ? await toDirectory(values, context) : await intoInstance(values, context)
    const task = await catalog.addTask({ kind: 'restore', instanceId: DBInstanceId, setId: BackupId, request }, once)
    wake()
    return { TaskId: task.id, TargetPath: 'to' in request ? request.to : '' }
  },
})

interface Wanted extends PieceValues {
  readonly DBInstanceId: string
  readonly BackupId: string
  readonly TargetPath?: string | undefined
  readonly TargetDBInstanceId?: string | undefined
  readonly Owners: boolean
  readonly Tablespaces: boolean
}

async function toDirectory(
  { DBInstanceId, BackupId, TargetPath = '' }: Wanted,
  { catalog, restoreRoots, encryption }: ActionContext,
): Promise<RestoreRequest> {
  const to = await requireRestoreTarget(TargetPath, restoreRoots)
  requireOpenable(await requireSet(catalog, DBInstanceId, BackupId), encryption)
  return { to }
}

async function intoInstance(values: Wanted, { catalog, caller, encryption }: ActionContext): Promise<RestoreRequest> {
  const { DBInstanceId, BackupId, TargetDBInstanceId: into = '', Owners, Tablespaces } = values
  if (caller.rights.instances && !caller.rights.instances.includes(into)) {
    throw new RdsError('Forbidden.InstanceNotFound')
  }
  const set = await requireSet(catalog, DBInstanceId, BackupId)
  await requireRegistered(catalog, into, 'InvalidDBInstance.NotFound')
  if (set.method !== 'Logical') {
    throw new RdsError(
      'IncorrectBackupSetMethod',
      `The backup set ${BackupId} is physical: it is restored into a directory. Name TargetPath.`,
    )
  }
  requireOpenable(set, encryption)
  const piece = pieceOf(values)
  return { into, ...(piece && { pieces: [piece] }), owners: Owners, tablespaces: Tablespaces }
}
