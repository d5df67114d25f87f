-- addInstance
insert into "nonces" ("key_id", "nonce", "expires_at") values (?, ?, ?) on conflict do nothing returning "nonce";
insert into "instances" ("id", "engine", "engine_version", "description", "settings", "system_identifier", "created_at", "deregistered_at", "version", "last_success_at", "last_duration_ms") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do update set "engine" = ?, "engine_version" = ?, "description" = ?, "settings" = ?, "system_identifier" = ?, "created_at" = ?, "deregistered_at" = ?, "version" = instances.version + 1 where "instances"."deregistered_at" is not null returning "id";
delete from "nodes" where "instance_id" = ? returning *;
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
update "about" set "last_id" = ? where "last_id" < ?;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values (?, ?, ?, ?, ?) on conflict do nothing returning "id";
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" = ? order by "id";

-- instance
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" in (?) order by "id";

-- instances
select count(*) as "count" from "instances" where "id" = ? and "engine" = ? and (lower(id) like ? escape '\' or lower(description) like ? escape '\') and "deregistered_at" is null;
select * from "instances" where "id" = ? and "engine" = ? and (lower(id) like ? escape '\' or lower(description) like ? escape '\') and "deregistered_at" is null order by "id" limit ? offset ?;
select count(*) as "count" from "instances";
select * from "instances" order by "id" limit ? offset ?;
select * from "nodes" where "instance_id" in (?) order by "id";
select count(*) as "count" from "instances" where not "id" in (?) and exists (select 1 from nodes where nodes.instance_id = instances.id) and "deregistered_at" is null;
select * from "instances" where not "id" in (?) and exists (select 1 from nodes where nodes.instance_id = instances.id) and "deregistered_at" is null order by "id" limit ? offset ?;

-- instanceVersion
select version from instances where id = ?;

-- updateInstance
update "instances" set "version" = version + 1 where "id" = ?;
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" = ? order by "id";
update "instances" set "settings" = ? where "id" = ?;
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
update "about" set "last_id" = ? where "last_id" < ?;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values (?, ?, ?, ?, ?) on conflict do nothing returning "id";
update "nodes" set "role" = ? where "instance_id" = ? and "id" = ?;
delete from "nodes" where "instance_id" = ? and "id" = ?;

-- adoptSet
select "id" from "instances" where "id" = ?;
update "about" set "last_id" = ? where "last_id" < ?;
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do nothing returning "id";
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values (?, ?, ?, ?) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = ?;
update "instances" set "last_success_at" = ?, "last_duration_ms" = ? where "id" = ? and coalesce(last_success_at, 0) <= ?;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;

-- set
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from sets where id = ?;

-- sets
select bucket, count from set_counts where instance_id = ? and count > 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from sets where instance_id = ? and removing = 0 and started_at >= ? and started_at < ? order by started_at desc, id desc limit ? + 0 offset ? + 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from sets where instance_id = ? and removing = 0 and started_at >= ? and started_at < ? order by started_at asc, id asc limit ? + 0 offset ? + 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from ( select started_at, id from sets where instance_id = ? and bucket = ? and removing = 0 and started_at >= ? and started_at < ? union all select started_at, id from sets where instance_id = ? and bucket = ? and removing = 0 and started_at >= ? and started_at < ? order by started_at desc, id desc limit ? + 0 offset ? + 0 ) as picked cross join sets where sets.instance_id = ? and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at desc, picked.id desc;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from ( select started_at, id from sets where instance_id = ? and bucket = ? and removing = 0 and started_at >= ? and started_at < ? union all select started_at, id from sets where instance_id = ? and bucket = ? and removing = 0 and started_at >= ? and started_at < ? order by started_at asc, id asc limit ? + 0 offset ? + 0 ) as picked cross join sets where sets.instance_id = ? and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at asc, picked.id asc;
select count(*) as count from sets where instance_id = ? and bucket in (?) and removing = 0 and started_at >= ? and started_at < ?;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from ( select started_at, id from sets where instance_id = ? and bucket = ? and removing = 0 and started_at >= ? and started_at < ? order by started_at desc, id desc limit ? + 0 offset ? + 0 ) as picked cross join sets where sets.instance_id = ? and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at desc, picked.id desc;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from sets where id = ?;

-- revokeLinks
update "sets" set "link_round" = link_round + 1 where "id" = ? and "instance_id" = ? and "removing" = ? returning "link_round";
update "instances" set "version" = version + 1 where "id" = ?;

-- changePolicy
update "instances" set "version" = version + 1 where "id" = ?;
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" = ? order by "id";
update "instances" set "settings" = ? where "id" = ?;
select "policy", "changed_at", "deregistered_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" where "instances"."id" = ?;
insert into "policies" ("instance_id", "policy", "changed_at", "due_at") values (?, ?, ?, ?) on conflict ("instance_id") do update set "policy" = ?, "changed_at" = ?, "due_at" = ?;

-- policyOf
select "policy", "changed_at", "deregistered_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" where "instances"."id" = ?;

-- pinSet
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
update "sets" set "pinned" = ? where "id" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
update "instances" set "version" = version + 1 where "id" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;

-- setExpiry
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
update "sets" set "expires_at" = ? where "id" = ?;
update "instances" set "version" = version + 1 where "id" = ?;

-- keptSets
select "id", "pinned", "expires_at" from "sets" where "instance_id" = ? and (pinned = 1 or expires_at is not null) and "removing" = ? order by "id";

-- scheduled
select "instance_id", "policy", "changed_at", "due_at" from "policies" inner join "instances" on "instances"."id" = "policies"."instance_id" where "deregistered_at" is null order by "instance_id";

-- drilled
select "instance_id", "policy", "changed_at", "due_at" from "policies" inner join "instances" on "instances"."id" = "policies"."instance_id" where "deregistered_at" is null order by "instance_id";

-- drillStanding
select "id", "set_id", "created_at", "state" from "tasks" where "instance_id" = ? and kind = 'drill' order by "id" desc limit ?;
select "id", "drilled_at", "drill_damage" from "sets" where "instance_id" = ? and removing = 0 and "status" = ? and "available" = ? and "damage" is null order by "started_at" desc, "id" desc limit ?;

-- addDrill
update "about" set "last_id" = "last_id";
select "id" from "instances" where "id" = ? and "deregistered_at" is null;
select "id", "set_id", "created_at", "state" from "tasks" where "instance_id" = ? and kind = 'drill' order by "id" desc limit ?;
select "deregistered_at" from "instances" where "id" = ?;
update "about" set "last_task_id" = case when last_task_id < cast((? - 1577836800000) / 1000 as bigint) then cast((? - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning *;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- addAutomated
select "id" from "instances" where "id" = ? and "deregistered_at" is null;
update "about" set "last_id" = "last_id";
select "id" from "tasks" where "instance_id" = ? and "kind" = ? and state in ('waiting', 'running');
update "policies" set "due_at" = ? where "instance_id" = ? and "due_at" = ? returning "instance_id";
update "about" set "last_task_id" = case when last_task_id < cast((? - 1577836800000) / 1000 as bigint) then cast((? - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning *;

-- settledOf
select "due_at" from "policies" where "instance_id" = ?;

-- resettle
update "policies" set "due_at" = ? where "instance_id" = ? and "due_at" = ? returning "instance_id";

-- holdSet
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- releaseHold
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- removeSets
select "id" from "sets" where "id" in (?, ?) order by "started_at" desc, "id" desc;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
update "sets" set "removing" = ? where "id" = ?;
select "set_id" from "holds" where "owner" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
update "set_counts" set "count" = count - 1, "bytes" = bytes - ? where "instance_id" = ? and "bucket" = ?;
update "about" set "last_task_id" = case when last_task_id < cast((? - 1577836800000) / 1000 as bigint) then cast((? - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning *;
update "instances" set "version" = version + 1 where "id" = ?;

-- commitRemoval
update "tasks" set "attempt" = ?, "state" = ?, "phase" = ?, "percent" = ?, "result" = ?, "reason" = ?, "ended_at" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = ?;
delete from "sets" where "id" = ? and "removing" = ? returning "instance_id";
delete from "holds" where "set_id" = ?;
update "instances" set "version" = version + 1 where "id" = ?;

-- addTask
insert into "nonces" ("key_id", "nonce", "expires_at") values (?, ?, ?) on conflict do nothing returning "nonce";
insert into "client_tokens" ("key_id", "action", "token", "digest", "reply", "expires_at") values (?, ?, ?, ?, ?, ?) on conflict ("key_id", "action", "token") do update set "digest" = excluded.digest, "reply" = excluded.reply, "expires_at" = excluded.expires_at where "client_tokens"."expires_at" <= ? returning "token";
insert into "audit_records" ("request_id", "at", "origin", "key_id", "parent_key_id", "os_user", "action", "instance_id", "parameters", "remote_address", "user_agent", "outcome", "code", "task_ids", "set_ids") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
select "deregistered_at" from "instances" where "id" = ?;
update "about" set "last_task_id" = case when last_task_id < cast((? - 1577836800000) / 1000 as bigint) then cast((? - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning *;
update "audit_records" set "task_ids" = ?, "set_ids" = ? where "request_id" = ?;
update "client_tokens" set "reply" = ? where "key_id" = ? and "action" = ? and "token" = ?;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
insert into "instances" ("id", "engine", "engine_version", "description", "settings", "system_identifier", "created_at", "deregistered_at", "version", "last_success_at", "last_duration_ms") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do update set "engine" = ?, "engine_version" = ?, "description" = ?, "settings" = ?, "system_identifier" = ?, "created_at" = ?, "deregistered_at" = ?, "version" = instances.version + 1 where "instances"."deregistered_at" is not null returning "id";
delete from "nodes" where "instance_id" = ? returning *;
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" = ? order by "id";

-- task
select * from "tasks" where "id" = ?;

-- tasks
select * from "tasks" where "instance_id" = ? and "kind" = ? and "state" in (?, ?) order by "created_at" desc, "id" desc limit ?;
select * from "tasks" order by "created_at" desc, "id" desc limit ?;

-- cancelTask
select "kind", "state" from "tasks" where "id" = ?;
select "set_id" from "holds" where "owner" = ?;
update "instances" set "deregistered_at" = ?, "version" = version + 1 where "deregistered_at" is null and "id" = (select instance_id as "id" from "tasks" where "tasks"."id" = ? and "kind" = ?);
update "tasks" set "cancel_asked" = ?, "state" = ?, "ended_at" = ?, "reason" = ? where "id" = ? returning *;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- claimTask
update "tasks" set "state" = ?, "attempt" = attempt + 1, "worker" = ?, "started_at" = coalesce(started_at, ?), "due_at" = ? + ? where "id" = (select "id" from "tasks" where state in ('waiting', 'running') and "due_at" <= ? and "kind" in (?) and ( kind not in (?, ?, ?, ?, ?) or (select count(*) from tasks as running where running.kind in (?, ?, ?, ?, ?) and running.state = 'running' and running.due_at > ?) < ?) and ( kind <> 'drill' or (select count(*) from tasks as running where running.kind = 'drill' and running.state = 'running' and running.due_at > ?) < ?) and ( kind <> 'take-backup' or id not in ( select queued.id from ( select queue.id, row_number() over ( partition by lower(nodes.address ->> '$.host') order by case when queue.state = 'running' and queue.due_at > ? then 0 else 1 end, queue.created_at, queue.id ) as place from tasks as queue join nodes on nodes.instance_id = queue.instance_id where queue.kind = 'take-backup' and queue.state in ('waiting', 'running') and (queue.state = 'running' or queue.due_at <= ?) group by queue.id, queue.created_at, queue.state, queue.due_at, lower(nodes.address ->> '$.host') ) as queued where queued.place > ?)) order by case when kind in ('take-backup', 'verify', 'drill') then 1 else 0 end, "created_at", "id" limit ?) returning *;
update "tasks" set "state" = ?, "attempt" = attempt + 1, "worker" = ?, "started_at" = coalesce(started_at, ?), "due_at" = ? + ? where "id" = (select "id" from "tasks" where state in ('waiting', 'running') and "due_at" <= ? and "kind" in (?) order by case when kind in ('take-backup', 'verify', 'drill') then 1 else 0 end, "created_at", "id" limit ?) returning *;

-- renewTask
update "tasks" set "attempt" = ?, "due_at" = ? + ?, "phase" = ?, "percent" = case when percent > ? then percent else ? end, "bytes" = ?, "total_bytes" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "tasks"."id", "instances"."settings", "about"."bandwidth" from "tasks" inner join "instances" on "instances"."id" = "tasks"."instance_id" inner join "about" on true where "tasks"."kind" = ? and "tasks"."state" = ? and "tasks"."due_at" > ?;

-- holdForTask
update "tasks" set "attempt" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
insert into "holds" ("set_id", "owner", "until") values (?, ?, ?) on conflict ("set_id", "owner") do update set "until" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- commitSet
update "tasks" set "attempt" = ?, "state" = ?, "phase" = ?, "percent" = ?, "result" = ?, "reason" = ?, "ended_at" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = ?;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do nothing returning "id";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values (?, ?, ?, ?) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = ?;
update "instances" set "last_success_at" = ?, "last_duration_ms" = ? where "id" = ? and coalesce(last_success_at, 0) <= ?;

-- hasDependents
select "id" from "sets" where "instance_id" = ? and "parent_id" = ? limit ?;

-- releaseTask
update "tasks" set "attempt" = ?, "state" = ?, "worker" = ?, "reason" = ?, "due_at" = ? + ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";

-- failTask
update "tasks" set "attempt" = ?, "state" = ?, "reason" = ?, "ended_at" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = ?;
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("id") do nothing returning "id";
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values (?, ?, ?, ?) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = ?;
update "instances" set "deregistered_at" = ?, "version" = version + 1 where "deregistered_at" is null and "id" = (select instance_id as "id" from "tasks" where "tasks"."id" = ? and "kind" = ?);

-- noteVerified
update "tasks" set "attempt" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
update "sets" set "verified_at" = ?, "damage" = ? where "id" = ? returning "instance_id";
update "instances" set "version" = version + 1 where "id" = ?;

-- noteDrilled
update "tasks" set "attempt" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
update "sets" set "drilled_at" = ?, "drill_damage" = ? where "id" = ? returning "instance_id";
update "instances" set "version" = version + 1 where "id" = ?;

-- finishTask
update "tasks" set "attempt" = ?, "state" = ?, "phase" = ?, "percent" = ?, "result" = ?, "reason" = ?, "ended_at" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = ?;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";

-- commitClone
update "tasks" set "attempt" = ?, "state" = ?, "phase" = ?, "percent" = ?, "result" = ?, "reason" = ?, "ended_at" = ? where "id" = ? and "attempt" = ? and "worker" = ? and "state" = ? and "due_at" > ? returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = ?;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
delete from "holds" where "set_id" = ? and "owner" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
insert into "policies" ("instance_id", "policy", "changed_at", "due_at") values (?, ?, ?, ?) on conflict ("instance_id") do update set "changed_at" = ?, "due_at" = ?;
update "instances" set "version" = version + 1 where "id" = ?;
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" = ? order by "id";
update "instances" set "settings" = ?, "engine_version" = ?, "system_identifier" = ? where "id" = ?;
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
update "about" set "last_id" = ? where "last_id" < ?;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values (?, ?, ?, ?, ?) on conflict do nothing returning "id";

-- ensureTask
update "about" set "last_id" = "last_id";
select "id" from "tasks" where "kind" = ? and state in ('waiting', 'running');
update "about" set "last_task_id" = case when last_task_id < cast((? - 1577836800000) / 1000 as bigint) then cast((? - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning *;

-- addKey
insert into "access_keys" ("id", "description", "created_at", "role", "instances", "sources", "expires_at", "secret", "old_secret", "old_until") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning "id";

-- keys
select * from "access_keys" order by "created_at", "id";

-- signingKey
select role, instances, sources, expires_at, secret, old_secret, old_until from access_keys where id = ?;

-- spendCall
insert into "nonces" ("key_id", "nonce", "expires_at") values (?, ?, ?) on conflict do nothing returning "nonce";

-- changeKey
update "access_keys" set "id" = ?, "role" = ?, "description" = ?, "instances" = ?, "sources" = ?, "expires_at" = ? where "id" = ? returning "id";

-- rotateKey
update "access_keys" set "old_secret" = "secret", "old_until" = ?, "secret" = ? where "id" = ? returning "id";

-- takeTurn
insert into "turns" ("name", "holder", "until") values (?, ?, ? + ?) on conflict ("name") do update set "holder" = "excluded"."holder", "until" = "excluded"."until" where ("turns"."until" <= ? or "turns"."holder" = "excluded"."holder") returning "name";

-- raiseAlerts
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";
insert into "alerts" ("kind", "subject", "instance_id", "what", "hint", "id", "raised_at", "told", "open") values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("kind", "subject") where "resolved_at" is null do nothing returning *;

-- saveAlerts
update "alerts" set "what" = ?, "hint" = ?, "missing_since" = ?, "resolved_at" = ?, "told" = ?, "open" = ? where "id" = ?;
delete from "alerts" where "open" = ? and "raised_at" < ? and "resolved_at" < ?;

-- openAlerts
select * from "alerts" where open = 1 order by "id";

-- alerts
select count(*) as "count" from "alerts" where "kind" = ? and "resolved_at" is null;
select * from "alerts" where "kind" = ? and "resolved_at" is null order by "raised_at" desc, "id" desc limit ? offset ?;
select count(*) as "count" from "alerts" where "instance_id" in (?);
select * from "alerts" where "instance_id" in (?) order by "raised_at" desc, "id" desc limit ? offset ?;

-- alertFigures
select "kind", count(*) as "count" from "alerts" where "resolved_at" is null group by "kind" order by "kind";

-- receivers
select * from "alert_receivers" order by "name";

-- saveReceiver
insert into "alert_receivers" ("name", "told_at", "failing_since", "failure") values (?, ?, ?, ?) on conflict ("name") do update set "told_at" = ?, "failing_since" = ?, "failure" = ?;

-- standings
select "drill"."id" as "drill_id", "drill"."set_id" as "drill_set_id", "drill"."state" as "drill_state", "drill"."reason" as "drill_reason", "drill"."ended_at" as "drill_ended_at", "instances"."id", "instances"."created_at", "settings", "policy", "changed_at", "last"."id" as "last_id", "last"."status" as "last_status", "last"."reason" as "last_reason", "last"."ended_at" as "last_ended_at", "good"."started_at" as "good_started_at", "good"."consistent_at" as "good_consistent_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" left join "sets" as "last" on "last"."id" = (select "sets"."id" from "sets" where "sets"."instance_id" = "instances"."id" and sets.removing = 0 order by "sets"."started_at" desc, "sets"."id" desc limit ?) left join "sets" as "good" on "good"."id" = (select "sets"."id" from "sets" where "sets"."instance_id" = "instances"."id" and sets.removing = 0 and "sets"."status" = ? and "sets"."available" = ? and "sets"."damage" is null and "sets"."drill_damage" is null order by "sets"."started_at" desc, "sets"."id" desc limit ?) left join "tasks" as "drill" on "drill"."id" = (select "tasks"."id" from "tasks" where "tasks"."instance_id" = "instances"."id" and tasks.kind = 'drill' and "tasks"."state" in (?, ?) order by "tasks"."id" desc limit ?) where "deregistered_at" is null order by "instances"."id";

-- damagedSets
select "id", "instance_id", "damage" from "sets" where "damage" is not null and removing = 0 order by "instance_id", "id";

-- bandwidth
select "bandwidth" from "about";

-- setBandwidth
update "about" set "bandwidth" = ?;

-- figures
select "id", "last_success_at", "last_duration_ms", cast(coalesce(sum(case when bucket % 2 = 0 then count end), 0) as bigint) as "succeeded", cast(coalesce(sum(case when bucket % 2 = 1 then count end), 0) as bigint) as "failed", cast(coalesce(sum(bytes), 0) as bigint) as "bytes" from "instances" left join "set_counts" on "set_counts"."instance_id" = "instances"."id" group by "id", "last_success_at", "last_duration_ms" order by "id";

-- taskFigures
select "kind", "state", count(*) as "count" from "tasks" group by "kind", "state" order by "kind", "state";

-- beat
insert into "workers" ("name", "beat_at") values (?, ?) on conflict ("name") do update set "beat_at" = ?;

-- sinceLastBeat
select ? - max(beat_at) as "since" from "workers";

-- addAuditRecord
insert into "audit_records" ("request_id", "at", "origin", "key_id", "parent_key_id", "os_user", "action", "instance_id", "parameters", "remote_address", "user_agent", "outcome", "code", "task_ids", "set_ids") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("request_id") do update set "code" = ?;

-- auditRecords
select count(*) as "count" from "audit_records" where "at" >= ? and "at" < ? and (key_id = ? or parent_key_id = ?) and "action" = ? and "instance_id" = ? and "outcome" = ?;
select * from "audit_records" where "at" >= ? and "at" < ? and (key_id = ? or parent_key_id = ?) and "action" = ? and "instance_id" = ? and "outcome" = ? order by "at" desc, "request_id" desc limit ? offset ?;

-- forgetAudit
delete from "audit_records" where "at" < ?;

-- usedToken
select "digest", "reply" from "client_tokens" where "key_id" = ? and "action" = ? and "token" = ? and "expires_at" > ?;

-- tidy
delete from "nonces" where "expires_at" <= ?;
delete from "client_tokens" where "expires_at" <= ?;
delete from "workers" where "beat_at" < ? - ? and "beat_at" < (select max("beat_at") as "newest" from "workers");
delete from "tasks" where "kind" in (?, ?) and "state" = ? and "ended_at" < ? - ?;
delete from "holds" where "until" <= ? returning "set_id";
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", ? as "now" from "sets" where "id" = ? and "removing" = ?;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = ?), 0) where "id" = ? returning "held_until";
update "instances" set "version" = version + 1 where "id" = ?;

-- newId
update "about" set "last_id" = case when last_id < ? then ? else last_id + 1 end returning "last_id";

-- dump
select "version", "last_id" from "about";
select "id" from "instances" order by "id";
select * from "instances" where "id" = ?;
select * from "nodes" where "instance_id" in (?) order by "id";
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > ? then 1 else 0 end from sets order by id;
select * from "tasks" order by "id";
select * from "access_keys" order by "id";
select * from "audit_records" order by "at", "request_id";
select * from "client_tokens" order by "key_id", "token", "action";
select * from "policies" order by "instance_id";

-- check
select 'instance ' || sets.instance_id || ': bucket ' || sets.bucket || ' has ' || count(*) || ' sets of ' || coalesce(sum(size), 0) || ' bytes, counted are ' || coalesce(max(set_counts.count), 0) || ' of ' || coalesce(max(set_counts.bytes), 0) as what from sets left join set_counts on set_counts.instance_id = sets.instance_id and set_counts.bucket = sets.bucket where removing = 0 group by sets.instance_id, sets.bucket having count(*) <> coalesce(max(set_counts.count), 0) or coalesce(sum(size), 0) <> coalesce(max(set_counts.bytes), 0);
select 'instance ' || instance_id || ': ' || count || ' sets of bucket ' || bucket || ' are counted, none is there' as what from set_counts where count > 0 and not exists ( select 1 from sets where sets.instance_id = set_counts.instance_id and sets.bucket = set_counts.bucket and removing = 0);
select 'set ' || id || ': its bucket is ' || bucket || ', not that of ' || status || ', ' || mode || ', ' || type as what from sets where bucket <> case when status = 'Failed' then 1 else 0 end + case when mode = 'Manual' then 2 else 0 end + case when type = 'IncrementalBackup' then 4 else 0 end;
select 'set ' || id || ': it adds to set ' || parent_id || ', which is not there' as what from sets where removing = 0 and parent_id is not null and not exists (select 1 from sets as parents where parents.id = sets.parent_id and parents.removing = 0);
select 'set ' || id || ': Success, but it names no manifest' as what from sets where status = 'Success' and manifest_key is null;
select 'set ' || id || ': it is being removed, but no task removes it' as what from sets where removing = 1 and not exists ( select 1 from tasks where tasks.set_id = sets.id and kind = 'expire' and state in ('waiting', 'running'));
select 'set ' || id || ': held until ' || held_until || ', but its holds say otherwise' as what from sets where removing = 0 and held_until <> coalesce((select max(until) from holds where holds.set_id = sets.id), 0);
select 'task ' || id || ': it reads set ' || set_id || ' without holding it' as what from tasks where kind in ('verify', 'restore', 'clone') and state in ('waiting', 'running') and set_id is not null and not exists (select 1 from holds where holds.set_id = tasks.set_id and owner = 'task/' || tasks.id);
select 'instance ' || id || ': registered, but it has no node' as what from instances where deregistered_at is null and not exists (select 1 from nodes where nodes.instance_id = instances.id) and not exists ( select 1 from tasks where tasks.instance_id = instances.id and kind = 'clone' and state in ('waiting', 'running'));
select 'ids: ' || last_id || ' counts as the last one given, but ' || used.id || ' is in use' as what from about, (select max(id) as id from ( select max(id) as id from sets union all select max(id) from tasks union all select max(id) from nodes) as ids) as used where used.id > last_id;

-- removeKey
delete from "access_keys" where "id" = ? returning "id";

-- deregisterInstance
update "instances" set "deregistered_at" = ?, "version" = version + 1 where "id" = ? and "deregistered_at" is null returning "id";
select "id" from "tasks" where "instance_id" = ? and "kind" = ? and state in ('waiting', 'running');
update "nodes" set "password" = ? where "instance_id" = ?;
