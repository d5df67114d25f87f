import type { BackupSet } from '../core/backup-set.ts'
import type { TakeBackupRequest } from '../core/task.ts'
import type { TaskRun, WorkerDeps } from './task-run.ts'

/** The Failed set that a backup leaves: its reason, and no bytes. Undefined for every other kind of task. */
export async function failedSet(run: TaskRun, deps: WorkerDeps, reason: string): Promise<BackupSet | undefined> {
  const { task } = run
  if (task.kind !== 'take-backup' || task.setId === undefined || task.instanceId === undefined) return undefined
  const instance = await deps.catalog.instance(task.instanceId)
  if (!instance) return undefined
  const request = task.request as TakeBackupRequest
  return {
    id: task.setId,
    instanceId: instance.id,
    nodeId: run.nodeId,
    status: 'Failed',
    type: request.type,
    mode: request.mode,
    method: request.method,
    startedAt: task.startedAt ?? task.createdAt,
    endedAt: deps.clock.now(),
    consistentAt: undefined,
    size: 0,
    available: false,
    engine: instance.engine,
    engineVersion: instance.engineVersion,
    manifestKey: undefined,
    parentId: undefined,
    reason,
    held: false,
    verifiedAt: undefined,
  }
}
