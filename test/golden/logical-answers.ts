import type { BackupSet } from '../../src/core/backup-set.ts'

/** What a logical set has that a physical one has not. */
export const LOGICAL = {
  method: 'Logical',
  databases: [{ name: 'Ödd "db"', file: 'db-16390-_dd__db_.dump.zst' }],
} as const satisfies Partial<BackupSet>

/** What RestoreBackup into an instance, and its task, answer. */
const intoInstance = (task: object) => ({
  RestoreBackup: { TaskId: '10', TargetPath: '' },
  DescribeBackupSetTasks: {
    Items: {
      Task: [
        {
          ...task,
          TaskKind: 'Restore',
          Result: JSON.stringify({
            pieces: [{ database: 'orders' }, { database: 'shop', schema: 'public', table: 'items_then' }],
            bytes: 4_000_000,
            warnings: ['roles that the server has already stay as they are, with their passwords: "postgres"'],
          }),
        },
      ],
    },
  },
})

/** Commands about logical sets, in the form of the table in cli.test.ts. `list`: what DescribeBackups answers. */
export const logicalCommands = (task: object, list: object) => [
  {
    name: 'backups-restore-into',
    argv: ['backups', 'restore', '321020562', '--into', 'pgm-2'],
    answers: intoInstance(task),
  },
  { name: 'backups-list-logical', argv: ['backups', 'list', 'pgm-1'], answers: { DescribeBackups: list } },
]
