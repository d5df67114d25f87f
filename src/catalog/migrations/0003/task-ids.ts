import type { Flavour } from '../flavour.ts'

export const taskIds = ({ int64 }: Flavour): readonly string[] => [
  // Apart from the other ids, and small: clients of RDS read a BackupJobId as a number of 32 bits.
  `alter table about add column last_task_id ${int64} not null default 0`,
]
