-- addInstance
insert into "nonces" ("key_id", "nonce", "expires_at") values ($1, $2, $3) on conflict do nothing returning "nonce";
insert into "instances" ("id", "engine", "engine_version", "description", "settings", "system_identifier", "created_at", "deregistered_at", "version", "last_success_at", "last_duration_ms") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict ("id") do update set "engine" = $12, "engine_version" = $13, "description" = $14, "settings" = $15, "system_identifier" = $16, "created_at" = $17, "deregistered_at" = $18, "version" = instances.version + 1 where "instances"."deregistered_at" is not null returning "id";
delete from "nodes" where "instance_id" = $1 returning *;
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
update "about" set "last_id" = $1 where "last_id" < $2;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values ($1, $2, $3, $4, $5) on conflict do nothing returning "id";
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" = $1 order by "id";

-- instance
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" in ($1) order by "id";

-- instances
select count(*) as "count" from "instances" where "id" = $1 and "engine" = $2 and (lower(id) like $3 escape '\' or lower(description) like $4 escape '\') and "deregistered_at" is null;
select * from "instances" where "id" = $1 and "engine" = $2 and (lower(id) like $3 escape '\' or lower(description) like $4 escape '\') and "deregistered_at" is null order by "id" limit $5 offset $6;
select count(*) as "count" from "instances";
select * from "instances" order by "id" limit $1 offset $2;
select * from "nodes" where "instance_id" in ($1) order by "id";
select count(*) as "count" from "instances" where not "id" in ($1) and exists (select 1 from nodes where nodes.instance_id = instances.id) and "deregistered_at" is null;
select * from "instances" where not "id" in ($1) and exists (select 1 from nodes where nodes.instance_id = instances.id) and "deregistered_at" is null order by "id" limit $2 offset $3;

-- instanceVersion
select version from instances where id = $1;

-- updateInstance
update "instances" set "version" = version + 1 where "id" = $1;
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" = $1 order by "id";
update "instances" set "settings" = $1 where "id" = $2;
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
update "about" set "last_id" = $1 where "last_id" < $2;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values ($1, $2, $3, $4, $5) on conflict do nothing returning "id";
update "nodes" set "role" = $1 where "instance_id" = $2 and "id" = $3;
delete from "nodes" where "instance_id" = $1 and "id" = $2;

-- adoptSet
select "id" from "instances" where "id" = $1;
update "about" set "last_id" = $1 where "last_id" < $2;
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30) on conflict ("id") do nothing returning "id";
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values ($1, $2, $3, $4) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = $1;
update "instances" set "last_success_at" = $1, "last_duration_ms" = $2 where "id" = $3 and coalesce(last_success_at, 0) <= $4;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;

-- set
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from sets where id = $1;

-- sets
select bucket, count from set_counts where instance_id = $1 and count > 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from sets where instance_id = $1 and removing = 0 and started_at >= $2 and started_at < $3 order by started_at desc, id desc limit $4 + 0 offset $5 + 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from sets where instance_id = $1 and removing = 0 and started_at >= $2 and started_at < $3 order by started_at asc, id asc limit $4 + 0 offset $5 + 0;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from ( select * from (select started_at, id from sets where instance_id = $1 and bucket = $2 and removing = 0 and started_at >= $3 and started_at < $4 order by started_at desc, id desc limit $5) as entries union all select * from (select started_at, id from sets where instance_id = $6 and bucket = $7 and removing = 0 and started_at >= $8 and started_at < $9 order by started_at desc, id desc limit $10) as entries order by started_at desc, id desc limit $11 + 0 offset $12 + 0 ) as picked cross join sets where sets.instance_id = $13 and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at desc, picked.id desc;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from ( select * from (select started_at, id from sets where instance_id = $1 and bucket = $2 and removing = 0 and started_at >= $3 and started_at < $4 order by started_at asc, id asc limit $5) as entries union all select * from (select started_at, id from sets where instance_id = $6 and bucket = $7 and removing = 0 and started_at >= $8 and started_at < $9 order by started_at asc, id asc limit $10) as entries order by started_at asc, id asc limit $11 + 0 offset $12 + 0 ) as picked cross join sets where sets.instance_id = $13 and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at asc, picked.id asc;
select count(*) as count from sets where instance_id = $1 and bucket in ($2) and removing = 0 and started_at >= $3 and started_at < $4;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from ( select * from (select started_at, id from sets where instance_id = $1 and bucket = $2 and removing = 0 and started_at >= $3 and started_at < $4 order by started_at desc, id desc limit $5) as entries order by started_at desc, id desc limit $6 + 0 offset $7 + 0 ) as picked cross join sets where sets.instance_id = $8 and sets.started_at = picked.started_at and sets.id = picked.id order by picked.started_at desc, picked.id desc;
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from sets where id = $1;

-- revokeLinks
update "sets" set "link_round" = link_round + 1 where "id" = $1 and "instance_id" = $2 and "removing" = $3 returning "link_round";
update "instances" set "version" = version + 1 where "id" = $1;

-- changePolicy
update "instances" set "version" = version + 1 where "id" = $1;
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" = $1 order by "id";
update "instances" set "settings" = $1 where "id" = $2;
select "policy", "changed_at", "deregistered_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" where "instances"."id" = $1;
insert into "policies" ("instance_id", "policy", "changed_at", "due_at") values ($1, $2, $3, $4) on conflict ("instance_id") do update set "policy" = $5, "changed_at" = $6, "due_at" = $7;

-- policyOf
select "policy", "changed_at", "deregistered_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" where "instances"."id" = $1;

-- pinSet
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
update "sets" set "pinned" = $1 where "id" = $2;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
update "instances" set "version" = version + 1 where "id" = $1;
delete from "holds" where "set_id" = $1 and "owner" = $2;

-- setExpiry
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
update "sets" set "expires_at" = $1 where "id" = $2;
update "instances" set "version" = version + 1 where "id" = $1;

-- keptSets
select "id", "pinned", "expires_at" from "sets" where "instance_id" = $1 and (pinned = 1 or expires_at is not null) and "removing" = $2 order by "id";

-- scheduled
select "instance_id", "policy", "changed_at", "due_at" from "policies" inner join "instances" on "instances"."id" = "policies"."instance_id" where "deregistered_at" is null order by "instance_id";

-- drilled
select "instance_id", "policy", "changed_at", "due_at" from "policies" inner join "instances" on "instances"."id" = "policies"."instance_id" where "deregistered_at" is null order by "instance_id";

-- drillStanding
select "id", "set_id", "created_at", "state" from "tasks" where "instance_id" = $1 and kind = 'drill' order by "id" desc limit $2;
select "id", "drilled_at", "drill_damage" from "sets" where "instance_id" = $1 and removing = 0 and "status" = $2 and "available" = $3 and "damage" is null order by "started_at" desc, "id" desc limit $4;

-- addDrill
update "about" set "last_id" = "last_id";
select "id" from "instances" where "id" = $1 and "deregistered_at" is null;
select "id", "set_id", "created_at", "state" from "tasks" where "instance_id" = $1 and kind = 'drill' order by "id" desc limit $2;
select "deregistered_at" from "instances" where "id" = $1 for share;
update "about" set "last_task_id" = case when last_task_id < cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) then cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (extract(epoch from clock_timestamp()) * 1000)::bigint, $16, $17, $18, $19) on conflict do nothing returning *;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- addAutomated
select "id" from "instances" where "id" = $1 and "deregistered_at" is null for share;
update "about" set "last_id" = "last_id";
select "id" from "tasks" where "instance_id" = $1 and "kind" = $2 and state in ('waiting', 'running');
update "policies" set "due_at" = $1 where "instance_id" = $2 and "due_at" = $3 returning "instance_id";
update "about" set "last_task_id" = case when last_task_id < cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) then cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (extract(epoch from clock_timestamp()) * 1000)::bigint, $16, $17, $18, $19) on conflict do nothing returning *;

-- settledOf
select "due_at" from "policies" where "instance_id" = $1;

-- resettle
update "policies" set "due_at" = $1 where "instance_id" = $2 and "due_at" = $3 returning "instance_id";

-- holdSet
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- releaseHold
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- removeSets
select "id" from "sets" where "id" in ($1, $2) order by "started_at" desc, "id" desc;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
update "sets" set "removing" = $1 where "id" = $2;
select "set_id" from "holds" where "owner" = $1;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
update "set_counts" set "count" = count - 1, "bytes" = bytes - $1 where "instance_id" = $2 and "bucket" = $3;
update "about" set "last_task_id" = case when last_task_id < cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) then cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (extract(epoch from clock_timestamp()) * 1000)::bigint, $16, $17, $18, $19) on conflict do nothing returning *;
update "instances" set "version" = version + 1 where "id" = $1;

-- commitRemoval
update "tasks" set "attempt" = $1, "state" = $2, "phase" = $3, "percent" = $4, "result" = $5, "reason" = $6, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "id" = $7 and "attempt" = $8 and "worker" = $9 and "state" = $10 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = $1;
delete from "sets" where "id" = $1 and "removing" = $2 returning "instance_id";
delete from "holds" where "set_id" = $1;
update "instances" set "version" = version + 1 where "id" = $1;

-- addTask
insert into "nonces" ("key_id", "nonce", "expires_at") values ($1, $2, $3) on conflict do nothing returning "nonce";
insert into "client_tokens" ("key_id", "action", "token", "digest", "reply", "expires_at") values ($1, $2, $3, $4, $5, $6) on conflict ("key_id", "action", "token") do update set "digest" = excluded.digest, "reply" = excluded.reply, "expires_at" = excluded.expires_at where "client_tokens"."expires_at" <= $7 returning "token";
insert into "audit_records" ("request_id", "at", "origin", "key_id", "parent_key_id", "os_user", "action", "instance_id", "parameters", "remote_address", "user_agent", "outcome", "code", "task_ids", "set_ids") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);
select "deregistered_at" from "instances" where "id" = $1 for share;
update "about" set "last_task_id" = case when last_task_id < cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) then cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (extract(epoch from clock_timestamp()) * 1000)::bigint, $16, $17, $18, $19) on conflict do nothing returning *;
update "audit_records" set "task_ids" = $1, "set_ids" = $2 where "request_id" = $3;
update "client_tokens" set "reply" = $1 where "key_id" = $2 and "action" = $3 and "token" = $4;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
insert into "instances" ("id", "engine", "engine_version", "description", "settings", "system_identifier", "created_at", "deregistered_at", "version", "last_success_at", "last_duration_ms") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict ("id") do update set "engine" = $12, "engine_version" = $13, "description" = $14, "settings" = $15, "system_identifier" = $16, "created_at" = $17, "deregistered_at" = $18, "version" = instances.version + 1 where "instances"."deregistered_at" is not null returning "id";
delete from "nodes" where "instance_id" = $1 returning *;
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" = $1 order by "id";

-- task
select * from "tasks" where "id" = $1;

-- tasks
select * from "tasks" where "instance_id" = $1 and "kind" = $2 and "state" in ($3, $4) order by "created_at" desc, "id" desc limit $5;
select * from "tasks" order by "created_at" desc, "id" desc limit $1;

-- cancelTask
select "kind", "state" from "tasks" where "id" = $1 for update;
select "set_id" from "holds" where "owner" = $1;
update "instances" set "deregistered_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint, "version" = version + 1 where "deregistered_at" is null and "id" = (select instance_id as "id" from "tasks" where "tasks"."id" = $1 and "kind" = $2);
update "tasks" set "cancel_asked" = $1, "state" = $2, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint, "reason" = $3 where "id" = $4 returning *;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- claimTask
select "one" from "about" for update;
update "tasks" set "state" = $1, "attempt" = attempt + 1, "worker" = $2, "started_at" = coalesce(started_at, (extract(epoch from clock_timestamp()) * 1000)::bigint), "due_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint + $3 where "id" = (select "id" from "tasks" where state in ('waiting', 'running') and "due_at" <= (extract(epoch from clock_timestamp()) * 1000)::bigint and "kind" in ($4) and ( kind not in ($5, $6, $7, $8, $9) or (select count(*) from tasks as running where running.kind in ($10, $11, $12, $13, $14) and running.state = 'running' and running.due_at > (extract(epoch from clock_timestamp()) * 1000)::bigint) < $15) and ( kind <> 'drill' or (select count(*) from tasks as running where running.kind = 'drill' and running.state = 'running' and running.due_at > (extract(epoch from clock_timestamp()) * 1000)::bigint) < $16) and ( kind <> 'take-backup' or id not in ( select queued.id from ( select queue.id, row_number() over ( partition by lower(cast(nodes.address as jsonb) ->> 'host') order by case when queue.state = 'running' and queue.due_at > (extract(epoch from clock_timestamp()) * 1000)::bigint then 0 else 1 end, queue.created_at, queue.id ) as place from tasks as queue join nodes on nodes.instance_id = queue.instance_id where queue.kind = 'take-backup' and queue.state in ('waiting', 'running') and (queue.state = 'running' or queue.due_at <= (extract(epoch from clock_timestamp()) * 1000)::bigint) group by queue.id, queue.created_at, queue.state, queue.due_at, lower(cast(nodes.address as jsonb) ->> 'host') ) as queued where queued.place > $17)) order by case when kind in ('take-backup', 'verify', 'drill') then 1 else 0 end, "created_at", "id" limit $18 for update skip locked) returning *;
update "tasks" set "state" = $1, "attempt" = attempt + 1, "worker" = $2, "started_at" = coalesce(started_at, (extract(epoch from clock_timestamp()) * 1000)::bigint), "due_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint + $3 where "id" = (select "id" from "tasks" where state in ('waiting', 'running') and "due_at" <= (extract(epoch from clock_timestamp()) * 1000)::bigint and "kind" in ($4) order by case when kind in ('take-backup', 'verify', 'drill') then 1 else 0 end, "created_at", "id" limit $5 for update skip locked) returning *;

-- renewTask
update "tasks" set "attempt" = $1, "due_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint + $2, "phase" = $3, "percent" = case when percent > $4 then percent else $5 end, "bytes" = $6, "total_bytes" = $7 where "id" = $8 and "attempt" = $9 and "worker" = $10 and "state" = $11 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "tasks"."id", "instances"."settings", "about"."bandwidth" from "tasks" inner join "instances" on "instances"."id" = "tasks"."instance_id" inner join "about" on true where "tasks"."kind" = $1 and "tasks"."state" = $2 and "tasks"."due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint;

-- holdForTask
update "tasks" set "attempt" = $1 where "id" = $2 and "attempt" = $3 and "worker" = $4 and "state" = $5 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
insert into "holds" ("set_id", "owner", "until") values ($1, $2, $3) on conflict ("set_id", "owner") do update set "until" = $4;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- commitSet
update "tasks" set "attempt" = $1, "state" = $2, "phase" = $3, "percent" = $4, "result" = $5, "reason" = $6, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "id" = $7 and "attempt" = $8 and "worker" = $9 and "state" = $10 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = $1;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30) on conflict ("id") do nothing returning "id";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values ($1, $2, $3, $4) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = $1;
update "instances" set "last_success_at" = $1, "last_duration_ms" = $2 where "id" = $3 and coalesce(last_success_at, 0) <= $4;

-- hasDependents
select "id" from "sets" where "instance_id" = $1 and "parent_id" = $2 limit $3;

-- releaseTask
update "tasks" set "attempt" = $1, "state" = $2, "worker" = $3, "reason" = $4, "due_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint + $5 where "id" = $6 and "attempt" = $7 and "worker" = $8 and "state" = $9 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";

-- failTask
update "tasks" set "attempt" = $1, "state" = $2, "reason" = $3, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "id" = $4 and "attempt" = $5 and "worker" = $6 and "state" = $7 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = $1;
insert into "sets" ("id", "instance_id", "node_id", "status", "type", "mode", "method", "bucket", "started_at", "ended_at", "consistent_at", "size", "available", "engine", "engine_version", "manifest_key", "parent_id", "reason", "verified_at", "damage", "held_until", "removing", "link_round", "pinned", "expires_at", "databases", "checksum", "drilled_at", "drill_damage", "encryption") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30) on conflict ("id") do nothing returning "id";
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
insert into "set_counts" ("instance_id", "bucket", "count", "bytes") values ($1, $2, $3, $4) on conflict ("instance_id", "bucket") do update set "count" = set_counts.count + excluded.count, "bytes" = set_counts.bytes + excluded.bytes;
update "instances" set "version" = version + 1 where "id" = $1;
update "instances" set "deregistered_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint, "version" = version + 1 where "deregistered_at" is null and "id" = (select instance_id as "id" from "tasks" where "tasks"."id" = $1 and "kind" = $2);

-- noteVerified
update "tasks" set "attempt" = $1 where "id" = $2 and "attempt" = $3 and "worker" = $4 and "state" = $5 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
update "sets" set "verified_at" = $1, "damage" = $2 where "id" = $3 returning "instance_id";
update "instances" set "version" = version + 1 where "id" = $1;

-- noteDrilled
update "tasks" set "attempt" = $1 where "id" = $2 and "attempt" = $3 and "worker" = $4 and "state" = $5 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
update "sets" set "drilled_at" = $1, "drill_damage" = $2 where "id" = $3 returning "instance_id";
update "instances" set "version" = version + 1 where "id" = $1;

-- finishTask
update "tasks" set "attempt" = $1, "state" = $2, "phase" = $3, "percent" = $4, "result" = $5, "reason" = $6, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "id" = $7 and "attempt" = $8 and "worker" = $9 and "state" = $10 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = $1;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";

-- commitClone
update "tasks" set "attempt" = $1, "state" = $2, "phase" = $3, "percent" = $4, "result" = $5, "reason" = $6, "ended_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint where "id" = $7 and "attempt" = $8 and "worker" = $9 and "state" = $10 and "due_at" > (extract(epoch from clock_timestamp()) * 1000)::bigint returning "id", "kind", "cancel_asked";
select "set_id" from "holds" where "owner" = $1;
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
delete from "holds" where "set_id" = $1 and "owner" = $2;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
insert into "policies" ("instance_id", "policy", "changed_at", "due_at") values ($1, $2, $3, $4) on conflict ("instance_id") do update set "changed_at" = $5, "due_at" = $6;
update "instances" set "version" = version + 1 where "id" = $1;
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" = $1 order by "id";
update "instances" set "settings" = $1, "engine_version" = $2, "system_identifier" = $3 where "id" = $4;
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
update "about" set "last_id" = $1 where "last_id" < $2;
insert into "nodes" ("id", "instance_id", "role", "address", "password") values ($1, $2, $3, $4, $5) on conflict do nothing returning "id";

-- ensureTask
update "about" set "last_id" = "last_id";
select "id" from "tasks" where "kind" = $1 and state in ('waiting', 'running');
update "about" set "last_task_id" = case when last_task_id < cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) then cast(((extract(epoch from clock_timestamp()) * 1000)::bigint - 1577836800000) / 1000 as bigint) else last_task_id + 1 end returning "last_task_id";
insert into "tasks" ("id", "kind", "instance_id", "set_id", "state", "attempt", "stopped", "request", "phase", "percent", "bytes", "total_bytes", "result", "reason", "cancel_asked", "created_at", "started_at", "ended_at", "worker", "due_at") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, (extract(epoch from clock_timestamp()) * 1000)::bigint, $16, $17, $18, $19) on conflict do nothing returning *;

-- addKey
insert into "access_keys" ("id", "description", "created_at", "role", "instances", "sources", "expires_at", "secret", "old_secret", "old_until") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning "id";

-- keys
select * from "access_keys" order by "created_at", "id";

-- signingKey
select role, instances, sources, expires_at, secret, old_secret, old_until from access_keys where id = $1;

-- spendCall
insert into "nonces" ("key_id", "nonce", "expires_at") values ($1, $2, $3) on conflict do nothing returning "nonce";

-- changeKey
update "access_keys" set "id" = $1, "role" = $2, "description" = $3, "instances" = $4, "sources" = $5, "expires_at" = $6 where "id" = $7 returning "id";

-- rotateKey
update "access_keys" set "old_secret" = "secret", "old_until" = $1, "secret" = $2 where "id" = $3 returning "id";

-- takeTurn
insert into "turns" ("name", "holder", "until") values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint + $3) on conflict ("name") do update set "holder" = "excluded"."holder", "until" = "excluded"."until" where ("turns"."until" <= (extract(epoch from clock_timestamp()) * 1000)::bigint or "turns"."holder" = "excluded"."holder") returning "name";

-- raiseAlerts
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";
insert into "alerts" ("kind", "subject", "instance_id", "what", "hint", "id", "raised_at", "told", "open") values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict ("kind", "subject") where "resolved_at" is null do nothing returning *;

-- saveAlerts
update "alerts" set "what" = $1, "hint" = $2, "missing_since" = $3, "resolved_at" = $4, "told" = $5, "open" = $6 where "id" = $7;
delete from "alerts" where "open" = $1 and "raised_at" < $2 and "resolved_at" < $3;

-- openAlerts
select * from "alerts" where open = 1 order by "id";

-- alerts
select count(*) as "count" from "alerts" where "kind" = $1 and "resolved_at" is null;
select * from "alerts" where "kind" = $1 and "resolved_at" is null order by "raised_at" desc, "id" desc limit $2 offset $3;
select count(*) as "count" from "alerts" where "instance_id" in ($1);
select * from "alerts" where "instance_id" in ($1) order by "raised_at" desc, "id" desc limit $2 offset $3;

-- alertFigures
select "kind", count(*) as "count" from "alerts" where "resolved_at" is null group by "kind" order by "kind";

-- receivers
select * from "alert_receivers" order by "name";

-- saveReceiver
insert into "alert_receivers" ("name", "told_at", "failing_since", "failure") values ($1, $2, $3, $4) on conflict ("name") do update set "told_at" = $5, "failing_since" = $6, "failure" = $7;

-- standings
select "drill"."id" as "drill_id", "drill"."set_id" as "drill_set_id", "drill"."state" as "drill_state", "drill"."reason" as "drill_reason", "drill"."ended_at" as "drill_ended_at", "instances"."id", "instances"."created_at", "settings", "policy", "changed_at", "last"."id" as "last_id", "last"."status" as "last_status", "last"."reason" as "last_reason", "last"."ended_at" as "last_ended_at", "good"."started_at" as "good_started_at", "good"."consistent_at" as "good_consistent_at" from "instances" left join "policies" on "policies"."instance_id" = "instances"."id" left join "sets" as "last" on "last"."id" = (select "sets"."id" from "sets" where "sets"."instance_id" = "instances"."id" and sets.removing = 0 order by "sets"."started_at" desc, "sets"."id" desc limit $1) left join "sets" as "good" on "good"."id" = (select "sets"."id" from "sets" where "sets"."instance_id" = "instances"."id" and sets.removing = 0 and "sets"."status" = $2 and "sets"."available" = $3 and "sets"."damage" is null and "sets"."drill_damage" is null order by "sets"."started_at" desc, "sets"."id" desc limit $4) left join "tasks" as "drill" on "drill"."id" = (select "tasks"."id" from "tasks" where "tasks"."instance_id" = "instances"."id" and tasks.kind = 'drill' and "tasks"."state" in ($5, $6) order by "tasks"."id" desc limit $7) where "deregistered_at" is null order by "instances"."id";

-- damagedSets
select "id", "instance_id", "damage" from "sets" where "damage" is not null and removing = 0 order by "instance_id", "id";

-- bandwidth
select "bandwidth" from "about";

-- setBandwidth
update "about" set "bandwidth" = $1;

-- figures
select "id", "last_success_at", "last_duration_ms", cast(coalesce(sum(case when bucket % 2 = 0 then count end), 0) as bigint) as "succeeded", cast(coalesce(sum(case when bucket % 2 = 1 then count end), 0) as bigint) as "failed", cast(coalesce(sum(bytes), 0) as bigint) as "bytes" from "instances" left join "set_counts" on "set_counts"."instance_id" = "instances"."id" group by "id", "last_success_at", "last_duration_ms" order by "id";

-- taskFigures
select "kind", "state", count(*) as "count" from "tasks" group by "kind", "state" order by "kind", "state";

-- beat
insert into "workers" ("name", "beat_at") values ($1, (extract(epoch from clock_timestamp()) * 1000)::bigint) on conflict ("name") do update set "beat_at" = (extract(epoch from clock_timestamp()) * 1000)::bigint;

-- sinceLastBeat
select (extract(epoch from clock_timestamp()) * 1000)::bigint - max(beat_at) as "since" from "workers";

-- addAuditRecord
insert into "audit_records" ("request_id", "at", "origin", "key_id", "parent_key_id", "os_user", "action", "instance_id", "parameters", "remote_address", "user_agent", "outcome", "code", "task_ids", "set_ids") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict ("request_id") do update set "code" = $16;

-- auditRecords
select count(*) as "count" from "audit_records" where "at" >= $1 and "at" < $2 and (key_id = $3 or parent_key_id = $4) and "action" = $5 and "instance_id" = $6 and "outcome" = $7;
select * from "audit_records" where "at" >= $1 and "at" < $2 and (key_id = $3 or parent_key_id = $4) and "action" = $5 and "instance_id" = $6 and "outcome" = $7 order by "at" desc, "request_id" desc limit $8 offset $9;

-- forgetAudit
delete from "audit_records" where "at" < $1;

-- usedToken
select "digest", "reply" from "client_tokens" where "key_id" = $1 and "action" = $2 and "token" = $3 and "expires_at" > $4;

-- tidy
delete from "nonces" where "expires_at" <= (extract(epoch from clock_timestamp()) * 1000)::bigint;
delete from "client_tokens" where "expires_at" <= (extract(epoch from clock_timestamp()) * 1000)::bigint;
delete from "workers" where "beat_at" < (extract(epoch from clock_timestamp()) * 1000)::bigint - $1 and "beat_at" < (select max("beat_at") as "newest" from "workers");
delete from "tasks" where "kind" in ($1, $2) and "state" = $3 and "ended_at" < (extract(epoch from clock_timestamp()) * 1000)::bigint - $4;
delete from "holds" where "until" <= (extract(epoch from clock_timestamp()) * 1000)::bigint returning "set_id";
select "id", "instance_id", "bucket", "size", "started_at", "parent_id", "held_until", (extract(epoch from clock_timestamp()) * 1000)::bigint as "now" from "sets" where "id" = $1 and "removing" = $2 for update;
update "sets" set "held_until" = coalesce((select max(until) from holds where set_id = $1), 0) where "id" = $2 returning "held_until";
update "instances" set "version" = version + 1 where "id" = $1;

-- newId
update "about" set "last_id" = case when last_id < (extract(epoch from clock_timestamp()) * 1000)::bigint then (extract(epoch from clock_timestamp()) * 1000)::bigint else last_id + 1 end returning "last_id";

-- dump
select "version", "last_id" from "about";
select "id" from "instances" order by "id";
select * from "instances" where "id" = $1;
select * from "nodes" where "instance_id" in ($1) order by "id";
select sets.id, sets.instance_id, sets.node_id, sets.bucket, sets.method, sets.started_at, sets.ended_at, sets.consistent_at, sets.size, sets.available, sets.engine, sets.engine_version, sets.manifest_key, sets.parent_id, sets.reason, sets.verified_at, sets.damage, sets.removing, sets.link_round, sets.pinned, sets.expires_at, sets.databases, sets.checksum, sets.drilled_at, sets.drill_damage, sets.encryption, case when sets.held_until > (extract(epoch from clock_timestamp()) * 1000)::bigint then 1 else 0 end from sets order by id;
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
delete from "access_keys" where "id" = $1 returning "id";

-- deregisterInstance
update "instances" set "deregistered_at" = $1, "version" = version + 1 where "id" = $2 and "deregistered_at" is null returning "id";
select "id" from "tasks" where "instance_id" = $1 and "kind" = $2 and state in ('waiting', 'running');
update "nodes" set "password" = $1 where "instance_id" = $2;
