const DRILLED = {
  started: true,
  seconds: { restore: 8.5, start: 0.4, check: 3.2 },
  bytes: 40_000_000,
  databases: [
    { name: 'shop', check: 'amcheck', relations: 70, indexes: 120, tables: [{ name: 'public.orders', rows: 1000 }] },
    { name: 'template1', check: 'read', relations: 66, indexes: 0, tables: [] },
  ],
  pageChecksums: 'passed',
  pages: 4880,
  problems: [],
  warnings: ['collation de_DE has another version here: REINDEX it'],
}

/** What the service answers of the task of a drill that passed. */
export const drilling = (task: object) => ({
  DescribeBackupSetTasks: { Items: { Task: [{ ...task, TaskKind: 'Drill', Result: JSON.stringify(DRILLED) }] } },
})
