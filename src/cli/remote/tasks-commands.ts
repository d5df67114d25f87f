import type { Command } from 'commander'
import { z } from 'zod'
import type { Parts } from '../parts.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const task = z.object({
  TaskId: z.string(),
  TaskKind: z.string(),
  TaskStatus: z.string(),
  DBInstanceId: z.string(),
  BackupId: z.string(),
  CancelAsked: z.boolean(),
})

/** `tasks cancel` ends a task of any kind that waits or runs. */
export function addTasks(program: Command, parts: Parts): void {
  const tasks = program.command('tasks').description('what the service has to do and does')
  withRemoteOptions(tasks.command('cancel <task>'))
    .description('cancel a task: at once while it waits, as soon as its worker hears of it while it runs')
    .action((id: string, options: RemoteOptions) => cancelTask(id, options, parts))
}

async function cancelTask(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  const cancelled = await clientOf(options, parts).call('CancelTask', { TaskId: id }, task)
  if (options.json) return printJson(cancelled, parts)
  // A running task has only been asked: its worker may still finish it first.
  const outcome = cancelled.TaskStatus === 'Cancelled' ? 'is cancelled' : 'is asked to end'
  parts.io.out.write(`task ${cancelled.TaskId} (${cancelled.TaskKind}) ${outcome}\n`)
}
