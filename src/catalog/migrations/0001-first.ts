import type { Flavour } from './flavour.ts'

/** Version 1: everything that the first release knows. Never edited once it is on main. */
export const first = (flavour: Flavour): readonly string[] => [
  ...instances(flavour),
  ...sets(flavour),
  ...tasks(flavour),
  ...callers(flavour),
]

const instances = ({ int64, text, end, keyed }: Flavour) => [
  `create table about (
     one ${int64} primary key check (one = 1),
     version ${int64} not null,
     last_id ${int64} not null,
     key_check ${text} not null
   ) ${end}`,

  `create table instances (
     id ${text} primary key,
     engine ${text} not null,
     engine_version ${text} not null,
     description ${text} not null,
     settings ${text} not null,
     system_identifier ${text},
     created_at ${int64} not null,
     deregistered_at ${int64},
     version ${int64} not null,
     last_success_at ${int64},
     last_duration_ms ${int64}
   ) ${keyed}`,

  `create table nodes (
     id ${int64} primary key,
     instance_id ${text} not null references instances (id),
     role ${text} not null check (role in ('primary', 'replica')),
     address ${text} not null,
     password ${text}
   ) ${end}`,
  `create index nodes_by_instance on nodes (instance_id, id)`,
]

const sets = ({ int64, text, keyed, setsKeys }: Flavour) => [
  // A page of one instance lies together on SQLite: setsKeys clusters the rows in the order they are listed.
  `create table sets (
     id ${int64} not null,
     instance_id ${text} not null references instances (id),
     node_id ${int64},
     status ${text} not null check (status in ('Success', 'Failed')),
     type ${text} not null check (type in ('FullBackup', 'IncrementalBackup')),
     mode ${text} not null check (mode in ('Automated', 'Manual')),
     method ${text} not null check (method in ('Physical', 'Logical')),
     bucket ${int64} not null,
     started_at ${int64} not null,
     ended_at ${int64} not null,
     consistent_at ${int64},
     size ${int64} not null,
     available ${int64} not null,
     engine ${text} not null,
     engine_version ${text} not null,
     manifest_key ${text},
     parent_id ${int64},
     reason ${text},
     verified_at ${int64},
     damage ${text},
     held_until ${int64} not null,
     removing ${int64} not null,
     ${setsKeys.constraints}
   ) ${setsKeys.end}`,
  ...setsKeys.indexes,
  `create index sets_by_bucket on sets (instance_id, bucket, started_at, id) where removing = 0`,

  `create table set_counts (
     instance_id ${text} not null references instances (id),
     bucket ${int64} not null,
     count ${int64} not null check (count >= 0),
     bytes ${int64} not null check (bytes >= 0),
     primary key (instance_id, bucket)
   ) ${keyed}`,

  `create table holds (
     set_id ${int64} not null,
     owner ${text} not null,
     until ${int64} not null,
     primary key (set_id, owner)
   ) ${keyed}`,
  `create index holds_by_owner on holds (owner)`,
  `create index holds_by_end on holds (until)`,
]

const tasks = ({ int64, text, end, keyed }: Flavour) => [
  `create table tasks (
     id ${int64} primary key,
     kind ${text} not null,
     instance_id ${text} references instances (id),
     set_id ${int64},
     state ${text} not null check (state in ('waiting', 'running', 'finished', 'failed', 'cancelled')),
     attempt ${int64} not null,
     request ${text} not null,
     phase ${text} not null,
     percent ${int64} not null,
     bytes ${int64} not null,
     total_bytes ${int64} not null,
     result ${text},
     reason ${text},
     cancel_asked ${int64} not null,
     created_at ${int64} not null,
     started_at ${int64},
     ended_at ${int64},
     worker ${text},
     due_at ${int64} not null
   ) ${end}`,
  `create index tasks_open on tasks (id) where state in ('waiting', 'running')`,
  `create index tasks_by_state on tasks (kind, state)`,
  `create index tasks_by_instance on tasks (instance_id, id)`,
  `create unique index tasks_one_backup on tasks (instance_id)
     where kind = 'take-backup' and state in ('waiting', 'running')`,

  `create table workers (
     name ${text} primary key,
     beat_at ${int64} not null
   ) ${keyed}`,
]

const callers = ({ int64, text, keyed }: Flavour) => [
  `create table access_keys (
     id ${text} primary key,
     description ${text} not null,
     created_at ${int64} not null,
     secret ${text} not null
   ) ${keyed}`,

  `create table nonces (
     key_id ${text} not null,
     nonce ${text} not null,
     expires_at ${int64} not null,
     primary key (key_id, nonce)
   ) ${keyed}`,
  `create index nonces_by_end on nonces (expires_at)`,
]
