import { z } from 'zod'
import type { Parameter } from './action.ts'
import { RdsError } from './errors.ts'
import { jsonText } from './parameters.ts'

const name = z.string().min(1).max(128)
const tables = z.array(z.object({ type: z.literal('table'), name, newname: name.optional() }))
const databases = z.array(
  z.object({ type: z.literal('db'), name, newname: name.optional(), tables: tables.optional() }),
)

/** `TableMeta`: which tables of which databases to bring back, and under which names. */
export const tableMeta = {
  codec: jsonText(databases),
  malformed: 'InvalidParamTableMeta',
  about:
    'JSON text: databases, each with type db, name, newname, and its tables, each with type table, name (of the schema public, or SCHEMA.TABLE) and newname.',
} as const satisfies Parameter

/** A restore is from a set or to a moment, and one of them must be named. */
export function requireSource(values: {
  readonly BackupId?: string | undefined
  readonly RestoreTime?: number | undefined
}): void {
  if ((values.BackupId === undefined) !== (values.RestoreTime === undefined)) return
  if (values.BackupId === undefined) throw new RdsError('MissBackupSetAndRestoreTime.NotFound')
  throw new RdsError('InvalidParameterCombination', 'Name either BackupId or RestoreTime, not both.')
}
