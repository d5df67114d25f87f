import { defineAction } from '../action.ts'
import { taskId } from '../parameters.ts'
import { renderTask, taskItem } from '../task-item.ts'

/** Stops a task. */
export const cancelTask = defineAction({
  name: 'CancelTask',
  about: 'Cancels a task of any kind: at once while it waits, as soon as its worker hears of it while it runs.',
  extension: true,
  mutates: true,
  parameters: { TaskId: { codec: taskId, required: true, about: 'The task: also a BackupJobId.' } },
  faults: { not_found: 'InvalidTaskId.NotFound', conflict: 'IncorrectTaskStatus', replayed: 'SignatureNonceUsed' },
  reply: taskItem,

  handle: async ({ TaskId }, { catalog, once }) => renderTask(await catalog.cancelTask(TaskId, once)),
})
