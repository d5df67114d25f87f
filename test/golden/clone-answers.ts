/** What CloneDBInstance and the task that it starts answer. */
const cloning = (task: object, restored: object) => ({
  CloneDBInstance: { DBInstanceId: 'pgm-clone', OrderId: '10' },
  DescribeBackupSetTasks: {
    Items: {
      Task: [
        {
          ...task,
          TaskKind: 'Clone',
          DBInstanceId: 'pgm-clone',
          Result: JSON.stringify({ ...restored, directory: '/srv/clones/holdfast-clone-pgm-clone-10-1' }),
        },
      ],
    },
  },
})

/** Commands about clones, in the form of the table in cli.test.ts. `restored`: what a restore gives. */
export const cloneCommands = (task: object, restored: object) => [
  {
    name: 'instances-clone',
    argv: ['instances', 'clone', '321020562', '--description', 'for a look'],
    answers: cloning(task, restored),
  },
  {
    name: 'instances-clone-no-wait',
    argv: ['instances', 'clone', '321020562', '--no-wait'],
    answers: cloning(task, restored),
  },
  {
    name: 'instances-release',
    argv: ['instances', 'release', 'pgm-clone'],
    answers: {
      DeleteDBInstance: { RegionId: 'cn-hangzhou', TaskId: '10' },
      DescribeBackupSetTasks: { Items: { Task: [{ ...task, TaskKind: 'Release', DBInstanceId: 'pgm-clone' }] } },
    },
  },
]
