import type { Flavour } from '../flavour.ts'

export const policies = ({ int64, text, keyed }: Flavour): readonly string[] => [
  // An instance of an earlier version has none: nothing of it is removed, or backed up, until somebody says so.
  `create table policies (
     instance_id ${text} primary key references instances (id),
     policy ${text} not null,
     changed_at ${int64} not null,
     due_at ${int64} not null
   ) ${keyed}`,
  `alter table sets add column pinned ${int64} not null default 0 check (pinned in (0, 1))`,
  // When the set goes whatever its policy says; 9007199254740991 for never. None: as the policy says.
  `alter table sets add column expires_at ${int64}`,
  `create index sets_kept on sets (instance_id) where pinned = 1 or expires_at is not null`,
]
