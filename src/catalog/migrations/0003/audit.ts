import type { Flavour } from '../flavour.ts'

export const audit = ({ int64, text, keyed }: Flavour): readonly string[] => [
  `create table audit_records (
     request_id ${text} primary key,
     at ${int64} not null,
     origin ${text} not null check (origin in ('api', 'local', 'service')),
     key_id ${text} not null,
     parent_key_id ${text} not null,
     os_user ${text} not null,
     action ${text} not null,
     instance_id ${text} not null,
     parameters ${text} not null,
     remote_address ${text} not null,
     user_agent ${text} not null,
     outcome ${text} not null check (outcome in ('done', 'refused')),
     code ${text} not null,
     task_ids ${text} not null,
     set_ids ${text} not null
   ) ${keyed}`,
  `create index audit_by_time on audit_records (at, request_id)`,
  `create index audit_by_key on audit_records (key_id, at, request_id)`,
  `create index audit_by_instance on audit_records (instance_id, at, request_id)`,
  // Signed into a set's links: when it goes up, those made until then end.
  `alter table sets add column link_round ${int64} not null default 0`,
]
