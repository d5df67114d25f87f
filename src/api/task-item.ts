import { z } from 'zod'
import { isPaused, type Task, type TaskKind, type TaskState } from '../core/task.ts'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'

const KIND_NAMES = {
  'take-backup': 'TakeBackup',
  verify: 'Verify',
  drill: 'Drill',
  restore: 'Restore',
  clone: 'Clone',
  release: 'Release',
  expire: 'Expire',
  retain: 'Retain',
  sweep: 'Sweep',
} as const satisfies Record<TaskKind, string>

const STATE_NAMES = {
  waiting: 'Waiting',
  running: 'Running',
  finished: 'Finished',
  failed: 'Failed',
  cancelled: 'Cancelled',
} as const satisfies Record<TaskState, string>

/** The kinds of tasks that are about one backup set, or make an instance of one and release it, by the names that replies give them. */
export const SET_TASK_KINDS = {
  Verify: 'verify',
  Drill: 'drill',
  Restore: 'restore',
  Clone: 'clone',
  Release: 'release',
  Expire: 'expire',
} as const satisfies Record<string, TaskKind>

/** A task as extensions show it. */
export const taskItem = z.object({
  TaskId: z.string(),
  TaskKind: z.enum(KIND_NAMES),
  TaskStatus: z.enum(STATE_NAMES),
  DBInstanceId: z.string(),
  BackupId: z.string(),
  Phase: z.string(),
  Process: z.string().describe('Percent done.'),
  DoneSize: z.int().describe('Bytes done so far.'),
  TotalSize: z.int().describe('Bytes expected; 0 when unknown.'),
  CancelAsked: z.boolean(),
  CreateTime: z.string(),
  StartTime: z.string().describe('Empty before it starts.'),
  EndTime: z.string().describe('Empty before it ends.'),
  FailReason: z.string().describe('Why the task or its last attempt failed, in plain words; else empty.'),
  Waits: z.string().describe('What the running task waits for, since when and why; else empty.'),
  Result: z.string().describe('JSON text of what a finished task, or a drill that failed, found; else empty.'),
})

const time = (moment: Moment | undefined) => (moment === undefined ? '' : isoSeconds(moment))

export const renderTask = (task: Task): z.infer<typeof taskItem> => ({
  TaskId: task.id,
  TaskKind: KIND_NAMES[task.kind],
  TaskStatus: STATE_NAMES[task.state],
  DBInstanceId: task.instanceId ?? '',
  BackupId: task.setId ?? '',
  Phase: task.progress.phase,
  Process: String(task.state === 'finished' ? 100 : Math.floor(task.progress.percent)),
  DoneSize: task.progress.bytes,
  TotalSize: task.progress.totalBytes,
  CancelAsked: task.cancelAsked,
  CreateTime: time(task.createdAt),
  StartTime: time(task.startedAt),
  EndTime: time(task.endedAt),
  FailReason: isPaused(task) ? '' : (task.reason ?? ''),
  Waits: isPaused(task) ? (task.reason ?? '') : '',
  Result: task.result === undefined ? '' : (JSON.stringify(task.result) ?? ''),
})
