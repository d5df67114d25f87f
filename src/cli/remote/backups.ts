import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { intoShape, pieceOf, printInto } from '../pieces.ts'
import { drillShape, printDrill } from '../drilled.ts'
import { printStart, restoredShape } from '../restored.ts'
import { formatFields } from '../table.ts'
import { formatBytes, formatTime } from '../units.ts'
import type { ListOptions, RestoreOptions, SetOptions, TakeOptions } from './backups-options.ts'
import { backupFields, backupTable } from './backups-show.ts'
import type { CallParameters } from './client.ts'
import { findSet, listSets } from './find-set.ts'
import { backupState, followTask, setTaskState } from './follow.ts'
import { clientOf, printJson } from './session.ts'

const taskShape = z.object({ TaskId: z.string() })

const LISTED: Readonly<Record<string, string>> = { full: 'FullBackup', incremental: 'IncrementalBackup' }
const TAKEN: Readonly<Record<string, string>> = { ...LISTED, auto: 'Auto' }

/** The API's word for a type. */
function typeOf(text: string | undefined, words: Readonly<Record<string, string>>): string | undefined {
  if (text === undefined) return undefined
  const word = Object.hasOwn(words, text) ? words[text] : undefined
  if (word !== undefined) return word
  throw new Fault('invalid', `--type ${text}`, { hint: `Write one of ${Object.keys(words).join(', ')}.` })
}

/** Asks for a backup and follows it; its outcome decides the exit code. */
export async function takeBackup(instance: string, options: TakeOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const asked = {
    DBInstanceId: instance,
    BackupRetentionPeriod: options.keepDays,
    BackupType: typeOf(options.type, TAKEN),
    ...methodOf(options),
  }
  const started = await client.call('CreateBackup', asked, z.object({ BackupJobId: z.string() }))
  if (!options.wait) {
    if (options.json) return printJson(started, parts)
    parts.io.out.write(`task ${started.BackupJobId} started\n`)
    return
  }
  const end = await followTask(() => backupState(client, instance, started.BackupJobId), 'engine_failed', parts)
  const set = await findSet(client, end.setId, instance)
  if (options.json) return printJson(set, parts)
  parts.io.out.write(
    `set ${set.BackupId} of ${instance}: ${formatBytes(set.BackupSize)}, ${formatTime(set.BackupEndTime, options)}\n`,
  )
}

const METHODS: Readonly<Record<string, string>> = { physical: 'Physical', logical: 'Logical' }

/** How the backup shall be taken, in the words of the action; what is not said is absent. */
function methodOf({ method, database = [] }: TakeOptions) {
  const BackupMethod = method === undefined ? undefined : METHODS[method.toLowerCase()]
  if (method !== undefined && BackupMethod === undefined) {
    throw new Fault('invalid', `--method ${method}`, { hint: 'Write physical or logical.' })
  }
  if (database.length === 0) return { BackupMethod }
  const comma = database.find((name) => name.includes(','))
  if (BackupMethod !== 'Logical' || comma !== undefined) {
    throw new Fault('invalid', `--database ${comma ?? database.join(' ')}`, {
      hint:
        comma === undefined
          ? 'A physical backup takes every database: add --method logical.'
          : 'A name with a comma in it cannot be told apart here: take the whole instance.',
    })
  }
  return { BackupMethod, BackupStrategy: 'db', DBName: database.join(',') }
}

export async function listBackups(instance: string, options: ListOptions, parts: Parts): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(options.limit))
    throw new Fault('invalid', `--limit ${options.limit}`, { hint: 'Write a whole number from 1 up.' })
  const { status, mode, from, to } = options
  const type = typeOf(options.type, LISTED)
  const wanted = {
    DBInstanceId: instance,
    BackupStatus: status,
    BackupMode: mode,
    BackupType: type,
    StartTime: from,
    EndTime: to,
  }
  const { total, items } = await listSets(clientOf(options, parts), wanted, Number(options.limit))
  if (options.json) return printJson(items, parts)
  parts.io.out.write(backupTable(items, options))
  if (items.length < total) parts.io.err.write(`${items.length} of ${total} sets; --limit shows more\n`)
}

export async function showBackup(setId: string, options: SetOptions, parts: Parts): Promise<void> {
  const set = await findSet(clientOf(options, parts), setId, options.instance)
  if (options.json) return printJson(set, parts)
  parts.io.out.write(formatFields(backupFields(set, options)))
}

/** Has the service check a set's stored bytes; damage is an exit code of its own. */
export async function verifyBackup(setId: string, options: SetOptions & TakeOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  const started = await client.call('VerifyBackup', { DBInstanceId, BackupId }, taskShape)
  if (!options.wait) return printTask(started, options, parts)
  const end = await followTask(() => setTaskState(client, DBInstanceId, started.TaskId), 'verify_failed', parts)
  // A service of before encryption does not tell, and opened everything.
  const shape = z.object({ objects: z.number(), bytes: z.number(), opened: z.boolean().default(true) })
  const found = shape.parse(JSON.parse(end.result))
  if (options.json) return printJson({ BackupId, ...found }, parts)
  const what = found.opened ? 'read and compared' : 'compared as stored; what is in them was not opened'
  parts.io.out.write(`set ${BackupId} is right: ${found.objects} objects, ${formatBytes(found.bytes)} ${what}\n`)
}

/** Has the service restore, start and look through a set in its scratch directory; what is wrong is an exit code of its own. */
export async function drillBackup(setId: string, options: SetOptions & TakeOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  const started = await client.call('DrillBackup', { DBInstanceId, BackupId }, taskShape)
  if (!options.wait) return printTask(started, options, parts)
  const end = await followTask(() => setTaskState(client, DBInstanceId, started.TaskId), 'verify_failed', parts)
  printDrill(BackupId, drillShape.parse(JSON.parse(end.result)), options, parts)
}

/** Has the service restore a set into a directory of the machine its worker runs on, or a logical one into an instance. */
export async function restoreBackup(setId: string | undefined, options: RestoreOptions, parts: Parts): Promise<void> {
  const { to, into } = options
  if (options.identity !== undefined) {
    throw new Fault('invalid', '--identity without --store', {
      hint: 'No identity goes to a service: name the store, or let the service hold one (encryption.identityFile).',
    })
  }
  if (setId === undefined || (to === undefined) === (into === undefined) || (to !== undefined && !isAbsolute(to))) {
    throw new Fault('invalid', 'restore: name a set and one of --to DIR and --into INSTANCE', {
      hint: 'DIR is an absolute path on the machine of the worker; INSTANCE is for logical sets.',
    })
  }
  const target = to === undefined ? intoInstance(options) : { TargetPath: to }
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  const started = await client.call('RestoreBackup', { DBInstanceId, BackupId, ...target }, taskShape)
  if (!options.wait) return printTask(started, options, parts)
  const end = await followTask(() => setTaskState(client, DBInstanceId, started.TaskId), 'engine_failed', parts)
  const shape = to === undefined ? intoShape : restoredShape
  const restored = shape.parse(JSON.parse(end.result))
  if (options.json) printJson({ BackupId, ...restored }, parts)
  else if ('pieces' in restored) printInto(BackupId, restored, parts)
  else printStart(BackupId, restored, parts)
}

/** What the action is told of a restore into an instance. */
function intoInstance(options: RestoreOptions): CallParameters {
  if (options.into?.includes('://') || options.passwordFile !== undefined) {
    throw new Fault('invalid', '--into: without --store it is an instance, whose login the service knows', {
      hint: 'Name an instance, or the store with --store.',
    })
  }
  const { database, schema, table, as, into } = pieceOf(options) ?? {}
  return {
    TargetDBInstanceId: options.into,
    DBName: database,
    SchemaName: schema,
    TableName: table,
    NewName: as,
    TargetDBName: into,
    ...(options.owner === false && { Owners: 'false' }),
    ...(!options.tablespaces && { Tablespaces: 'false' }),
  }
}

/** Ends the links of a set that were made until now. */
export async function revokeLinks(setId: string, options: SetOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  await client.call('RevokeBackupLinks', { DBInstanceId, BackupId }, z.object({}))
  if (options.json) return printJson({ BackupId }, parts)
  parts.io.out.write(`links of set ${BackupId} that were made until now are ended
`)
}

/** Deletes a set for ever. */
export async function removeBackup(setId: string, options: SetOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  await client.call('DeleteBackup', { DBInstanceId, BackupId }, z.object({}))
  if (options.json) return printJson({ BackupId }, parts)
  parts.io.out.write(`set ${BackupId} is removed\n`)
}

function printTask(started: { TaskId: string }, options: { json?: boolean | undefined }, parts: Parts): void {
  if (options.json) printJson(started, parts)
  else parts.io.out.write(`task ${started.TaskId} started\n`)
}
