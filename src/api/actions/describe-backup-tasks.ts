import { z } from 'zod'
import { isPaused, type Phase, type Task, type TakeBackupRequest } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { instanceId, oneOf, taskId } from '../parameters.ts'
import { requireInstance } from '../require.ts'

const STEPS = ['NoStart', 'Preparing', 'Waiting', 'Uploading', 'Checking', 'Finished'] as const

const job = z.object({
  BackupJobId: z.string(),
  BackupId: z.string().describe('The set it made, once the task has ended; else empty.'),
  BackupStatus: z.enum([...STEPS, 'Failed']),
  BackupProgressStatus: z.enum(STEPS),
  Process: z.string().describe('Percent done.'),
  JobMode: z.enum(['Automated', 'Manual']),
  TaskAction: z.enum(['TempBackupTask', 'NormalBackupTask']),
  DoneSize: z.int().describe('Extension: bytes of the database done so far.'),
  TotalSize: z.int().describe('Extension: bytes expected; 0 when unknown.'),
  FailReason: z.string().describe('Extension: why the last attempt or the task failed; else empty.'),
  Waits: z.string().describe('Extension: what the running task waits for, since when and why; else empty.'),
})

/** Progress of backups that run or wait. */
export const describeBackupTasks = defineAction({
  name: 'DescribeBackupTasks',
  about:
    'Shows the backup tasks of an instance that have not ended; one that has ended only when BackupJobId names it.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    BackupJobId: { codec: taskId, about: 'Only the task of this id, ended or not.' },
    BackupJobStatus: {
      codec: oneOf(['NoStart', 'Progressing']),
      about: 'Only tasks that wait (NoStart) or run (Progressing).',
    },
    BackupMode: { codec: oneOf(['Automated', 'Manual']), about: 'Only tasks of this mode.' },
  },
  neglected: { Flag: 'ignored', ClientToken: 'ignored' },
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: z.object({ Items: z.object({ BackupJob: z.array(job) }) }),

  async handle(values, { catalog }) {
    await requireInstance(catalog, values.DBInstanceId)
    const tasks = await catalog.tasks({
      id: values.BackupJobId,
      instanceId: values.DBInstanceId,
      kind: 'take-backup',
      states: values.BackupJobId === undefined ? ['waiting', 'running'] : undefined,
    })
    const jobs = tasks
      .filter((task) => statusMatches(task, values.BackupJobStatus))
      .filter((task) => values.BackupMode === undefined || modeOf(task) === values.BackupMode)
    return { Items: { BackupJob: jobs.map(renderJob) } }
  },
})

const modeOf = (task: Task) => (task.request as TakeBackupRequest).mode

function statusMatches({ state }: Task, wanted: 'NoStart' | 'Progressing' | undefined): boolean {
  if (wanted === undefined) return true
  return state === (wanted === 'NoStart' ? 'waiting' : 'running')
}

const STEP_OF: Readonly<Record<Phase, (typeof STEPS)[number]>> = {
  waiting: 'Waiting',
  preparing: 'Preparing',
  checkpoint: 'Preparing',
  streaming: 'Uploading',
  'awaiting-store': 'Uploading',
  'backing-off': 'Uploading',
  checking: 'Checking',
  writing: 'Checking',
  finishing: 'Checking',
  done: 'Finished',
}

function renderJob(task: Task): z.infer<typeof job> {
  const ended = task.state === 'finished' || task.state === 'failed'
  const step =
    task.state === 'waiting' ? 'NoStart' : task.state === 'running' ? STEP_OF[task.progress.phase] : 'Finished'
  return {
    BackupJobId: task.id,
    BackupId: ended ? (task.setId ?? '') : '',
    BackupStatus: task.state === 'failed' || task.state === 'cancelled' ? 'Failed' : step,
    BackupProgressStatus: step,
    Process: String(task.state === 'finished' ? 100 : Math.floor(task.progress.percent)),
    JobMode: modeOf(task),
    TaskAction: modeOf(task) === 'Manual' ? 'TempBackupTask' : 'NormalBackupTask',
    DoneSize: task.progress.bytes,
    TotalSize: task.progress.totalBytes,
    FailReason: isPaused(task) ? '' : (task.reason ?? ''),
    Waits: isPaused(task) ? (task.reason ?? '') : '',
  }
}
