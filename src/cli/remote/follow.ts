import { z } from 'zod'
import { Fault, type FaultCode } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { progressBar } from '../progress.ts'
import type { Client } from './client.ts'

/** How a task stands, in one form for backups and all others. */
export interface TaskState {
  readonly ended: boolean
  readonly succeeded: boolean
  readonly label: string
  readonly percent: number
  readonly bytes: number
  readonly totalBytes: number
  readonly setId: string
  /** Why the last attempt or the task failed; empty when it did not. */
  readonly reason: string
  /** What it waits for; empty when for nothing. */
  readonly waits: string
  /** JSON text of what a finished task found; empty when it found nothing. */
  readonly result: string
}

/** A task is asked after each time an eighth of its time has passed, within these bounds: a short one is not waited for longer than it takes. */
const LEAST_MS = 25
const MOST_MS = 200

/**
 * Follows a task to its end with a progress bar, and gives its last state. A failed attempt that will be tried again is told
 * once. Fault `failure` with the reason when the task fails or is cancelled.
 */
export async function followTask(
  ask: () => Promise<TaskState>,
  failure: FaultCode,
  { io, clock }: Parts,
): Promise<TaskState> {
  const bar = progressBar(io.err, clock)
  const begun = clock.monotonic()
  let told = ''
  let waited = ''
  for (;;) {
    const state = await ask()
    bar.update(state)
    if (state.ended) {
      bar.end()
      if (state.succeeded) return state
      throw new Fault(failure, state.reason || 'the task failed')
    }
    if (state.reason !== '' && state.reason !== told)
      io.err.write(`warning: an attempt failed: ${(told = state.reason)}\n`)
    // Why it waits may change each second; that it does is told once.
    const pause = state.waits.split(': ', 1)[0] ?? ''
    if (pause !== '' && pause !== waited) {
      waited = pause
      io.err.write(`warning: the task ${state.waits}\n`)
    }
    await clock.sleep(Math.min(MOST_MS, Math.max(LEAST_MS, (clock.monotonic() - begun) / 8)))
  }
}

const job = z.object({
  BackupId: z.string(),
  BackupStatus: z.string(),
  BackupProgressStatus: z.string(),
  Process: z.string(),
  DoneSize: z.number(),
  TotalSize: z.number(),
  FailReason: z.string(),
  Waits: z.string().default(''),
})

/** How a backup of an instance stands now. */
export async function backupState(client: Client, DBInstanceId: string, BackupJobId: string): Promise<TaskState> {
  const shape = z.object({ Items: z.object({ BackupJob: z.array(job) }) })
  const reply = await client.call('DescribeBackupTasks', { DBInstanceId, BackupJobId }, shape)
  const found = reply.Items.BackupJob[0]
  if (!found) throw new Fault('not_found', `no task ${BackupJobId}`)
  const succeeded = found.BackupStatus === 'Finished'
  return {
    ended: succeeded || found.BackupStatus === 'Failed',
    succeeded,
    label: found.BackupProgressStatus,
    percent: Number(found.Process),
    bytes: found.DoneSize,
    totalBytes: found.TotalSize,
    setId: found.BackupId,
    reason: found.FailReason,
    waits: found.Waits,
    result: '',
  }
}

const setTask = z.object({
  TaskStatus: z.string(),
  BackupId: z.string(),
  Phase: z.string(),
  Process: z.string(),
  DoneSize: z.number(),
  TotalSize: z.number(),
  FailReason: z.string(),
  Waits: z.string().default(''),
  Result: z.string(),
})

/** How a task about a set stands now: a check, a restore or a removal. */
export async function setTaskState(client: Client, DBInstanceId: string, TaskId: string): Promise<TaskState> {
  const shape = z.object({ Items: z.object({ Task: z.array(setTask) }) })
  const reply = await client.call('DescribeBackupSetTasks', { DBInstanceId, TaskId }, shape)
  const found = reply.Items.Task[0]
  if (!found) throw new Fault('not_found', `no task ${TaskId}`)
  return {
    ended: ['Finished', 'Failed', 'Cancelled'].includes(found.TaskStatus),
    succeeded: found.TaskStatus === 'Finished',
    label: found.Phase,
    percent: Number(found.Process),
    bytes: found.DoneSize,
    totalBytes: found.TotalSize,
    setId: found.BackupId,
    reason: found.FailReason,
    waits: found.Waits,
    result: found.Result,
  }
}
