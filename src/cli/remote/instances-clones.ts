import type { Command } from 'commander'
import { z } from 'zod'
import type { Parts } from '../parts.ts'
import { restoredShape } from '../restored.ts'
import { formatFields } from '../table.ts'
import { formatBytes } from '../units.ts'
import { findSet } from './find-set.ts'
import { followTask, setTaskState } from './follow.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

interface WaitOptions extends RemoteOptions {
  readonly wait: boolean
}

interface CloneOptions extends WaitOptions {
  readonly instance?: string
  readonly description?: string
}

const clonedShape = restoredShape.extend({ directory: z.string() })

/** `instances clone|release`. */
export function addClones(instances: Command, parts: Parts): void {
  withRemoteOptions(instances.command('clone <set>'))
    .description('make a new instance of a physical set, whose server runs on the machine of the worker')
    .option('--instance <id>', 'the instance of the set; looked for in every one when not given')
    .option('--description <text>', 'a name for people')
    .option('--no-wait', 'only start it, and print the id of the new instance')
    .action((set: string, options: CloneOptions) => clone(set, options, parts))
  withRemoteOptions(instances.command('release <instance>'))
    .description('end a clone for ever: its server and its files; its sets stay')
    .option('--no-wait', 'only start it, and print the id of the task')
    .action((id: string, options: WaitOptions) => release(id, options, parts))
}

async function clone(setId: string, options: CloneOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  const made = await client.call(
    'CloneDBInstance',
    { DBInstanceId, BackupId, PayType: 'Postpaid', DBInstanceDescription: options.description },
    z.object({ DBInstanceId: z.string(), OrderId: z.string() }),
  )
  if (!options.wait) {
    if (options.json) return printJson(made, parts)
    parts.io.out.write(`instance ${made.DBInstanceId} is being made by task ${made.OrderId}\n`)
    return
  }
  const end = await followTask(() => setTaskState(client, made.DBInstanceId, made.OrderId), 'engine_failed', parts)
  const found = clonedShape.parse(JSON.parse(end.result))
  if (options.json) return printJson({ DBInstanceId: made.DBInstanceId, BackupId, ...found }, parts)
  for (const warning of found.warnings) parts.io.err.write(`warning: ${warning}\n`)
  parts.io.out.write(
    formatFields({
      instance: made.DBInstanceId,
      'clone of set': BackupId,
      listens: `127.0.0.1:${found.port} on the machine of the worker`,
      directory: found.directory,
      files: `${found.files}, ${formatBytes(found.bytes)}`,
      'ended by': `holdfast instances release ${made.DBInstanceId}`,
    }),
  )
}

async function release(id: string, options: WaitOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const started = await client.call('DeleteDBInstance', { DBInstanceId: id }, z.object({ TaskId: z.string() }))
  if (!options.wait) {
    if (options.json) return printJson({ TaskId: started.TaskId }, parts)
    parts.io.out.write(`task ${started.TaskId} started\n`)
    return
  }
  await followTask(() => setTaskState(client, id, started.TaskId), 'engine_failed', parts)
  if (options.json) return printJson({ DBInstanceId: id }, parts)
  parts.io.out.write(`${id} is ended and its files are removed; its sets stay\n`)
}
