import { z } from 'zod'
import type { Task } from '../../core/task.ts'
import { defineAction } from '../action.ts'
import { instanceId, oneOf, setId, taskId } from '../parameters.ts'
import { requireInstance } from '../require.ts'
import { renderTask, SET_TASK_KINDS, taskItem } from '../task-item.ts'

const SET_KINDS: readonly Task['kind'][] = Object.values(SET_TASK_KINDS)

/** What happens and happened to the sets of an instance. */
export const describeBackupSetTasks = defineAction({
  name: 'DescribeBackupSetTasks',
  about:
    'Shows the tasks that verify, drill, restore or delete backup sets of an instance, and those that made the instance itself of a set or release it, newest first, at most 1000.',
  extension: true,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance whose sets they are about.' },
    TaskId: { codec: taskId, about: 'Only the task of this id.' },
    BackupId: { codec: setId, about: 'Only tasks about this set.' },
    TaskKind: {
      codec: oneOf(['Verify', 'Drill', 'Restore', 'Clone', 'Release', 'Expire']),
      about: 'Only tasks of this kind.',
    },
  },
  errors: ['InvalidDBInstanceName.NotFound'],
  faults: {},
  reply: z.object({ Items: z.object({ Task: z.array(taskItem) }) }),

  async handle({ DBInstanceId, TaskId, BackupId, TaskKind }, { catalog }) {
    await requireInstance(catalog, DBInstanceId)
    const kind = TaskKind && SET_TASK_KINDS[TaskKind]
    const tasks = await catalog.tasks({ instanceId: DBInstanceId, id: TaskId, kind })
    const wanted = tasks.filter(
      (task) => SET_KINDS.includes(task.kind) && (BackupId === undefined || task.setId === BackupId),
    )
    return { Items: { Task: wanted.map(renderTask) } }
  },
})
