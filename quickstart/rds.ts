import openapi from '@alicloud/openapi-core'
import PopCore from '@alicloud/pop-core'
import sdk from '@alicloud/rds20140815'
import { setTimeout as wait } from 'node:timers/promises'
import type { Key } from './service.ts'

/** A set as the official SDK gives it. */
export type ListedSet = NonNullable<
  NonNullable<NonNullable<Awaited<ReturnType<Sdk['describeBackups']>>['body']>['items']>['backup']
>[number]

type Sdk = InstanceType<typeof sdk.default>

/** How far a task is, as the API tells it. */
export interface TaskState {
  readonly phase: string
  readonly percent: number
  readonly bytes: number
  readonly totalBytes: number
}

/** What a finished restore tells of the database that it brought back. */
export interface RestoredPlace {
  readonly dataDirectory: string
  readonly startCommand: readonly string[]
  readonly port: number
  readonly socketDirectory: string
  readonly superuser: string
}

/** What Alibaba Cloud's own clients do against this service. */
export interface Rds {
  register(id: string, node: Readonly<Record<string, string>>): Promise<void>
  /** Starts a backup, follows it to its end and gives the set's id. */
  backUp(instanceId: string, onProgress: (state: TaskState) => void): Promise<string>
  list(instanceId: string): Promise<ListedSet[]>
  restore(instanceId: string, setId: string, to: string, onProgress: (state: TaskState) => void): Promise<RestoredPlace>
}

/**
 * RDS actions go through the official SDK `@alicloud/rds20140815`; actions that RDS does not have go through
 * `@alicloud/pop-core`, the official client for calls by name. Neither is changed but for the endpoint.
 */
export function connectRds(url: string, key: Key): Rds {
  const { protocol, host } = new URL(url)
  const settings = { ...key, endpoint: host, protocol: protocol.replace(':', ''), regionId: 'cn-hangzhou' }
  const client = new sdk.default(new openapi.$OpenApiUtil.Config(settings))
  const opts = { method: 'POST', timeout: 60_000 }
  const byName = new PopCore({ ...key, endpoint: url, apiVersion: '2014-08-15', opts })
  return {
    register: async (DBInstanceId, node) => {
      await byName.request('RegisterDBInstance', { DBInstanceId, DBInstanceDescription: 'quickstart', Node: [node] })
      // The tour takes its backup itself: the one of the night shall not come between.
      await byName.request('ModifyBackupPolicy', { DBInstanceId, ScheduleEnabled: 'false' })
    },
    backUp: (instanceId, onProgress) => backUp(client, instanceId, onProgress),
    list: async (DBInstanceId) => {
      const { body } = await client.describeBackups(new sdk.DescribeBackupsRequest({ DBInstanceId }))
      return body?.items?.backup ?? []
    },
    restore: (DBInstanceId, BackupId, TargetPath, onProgress) =>
      restore(byName, { DBInstanceId, BackupId, TargetPath }, onProgress),
  }
}

const POLL_MS = 150

async function backUp(client: Sdk, DBInstanceId: string, onProgress: (state: TaskState) => void): Promise<string> {
  const { body } = await client.createBackup(new sdk.CreateBackupRequest({ DBInstanceId, backupMethod: 'Physical' }))
  const request = new sdk.DescribeBackupTasksRequest({ DBInstanceId, backupJobId: Number(body?.backupJobId) })
  for (;;) {
    const found = await client.describeBackupTasks(request)
    const job = found.body?.items?.backupJob?.[0]
    if (job?.backupStatus === 'Failed') throw new Error('the backup failed; the log of the service says why')
    if (job?.backupStatus === 'Finished') return String(job.backupId)
    onProgress({ phase: job?.backupStatus ?? '', percent: Number(job?.process ?? 0), bytes: 0, totalBytes: 0 })
    await wait(POLL_MS)
  }
}

interface TaskItem {
  readonly TaskStatus: string
  readonly Phase: string
  readonly Process: string
  readonly DoneSize: number
  readonly TotalSize: number
  readonly FailReason: string
  readonly Result: string
}

async function restore(
  client: PopCore,
  asked: { DBInstanceId: string; BackupId: string; TargetPath: string },
  onProgress: (state: TaskState) => void,
): Promise<RestoredPlace> {
  const { TaskId } = await client.request<{ TaskId: string }>('RestoreBackup', asked)
  const { DBInstanceId } = asked
  for (;;) {
    const reply = await client.request<{ Items: { Task: TaskItem[] } }>('DescribeBackupSetTasks', {
      DBInstanceId,
      TaskId,
    })
    const task = reply.Items.Task[0]
    if (task?.TaskStatus === 'Finished') return JSON.parse(task.Result) as RestoredPlace
    if (task?.TaskStatus === 'Failed') throw new Error(`the restore failed: ${task.FailReason}`)
    const { Phase: phase = '', Process = '0', DoneSize: bytes = 0, TotalSize: totalBytes = 0 } = task ?? {}
    onProgress({ phase, percent: Number(Process), bytes, totalBytes })
    await wait(POLL_MS)
  }
}
