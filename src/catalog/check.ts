import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Catalog } from './catalog.ts'
import type { Deps } from './database.ts'
import type { Tables } from './tables.ts'

interface Finding {
  readonly what: string
}

/** Each finds rows that are not as they must be, and says so in a column `what`. */
const FINDINGS: readonly RawBuilder<Finding>[] = [
  sql`select 'instance ' || sets.instance_id || ': bucket ' || sets.bucket || ' has ' || count(*) || ' sets of '
        || coalesce(sum(size), 0) || ' bytes, counted are ' || coalesce(max(set_counts.count), 0) || ' of ' || coalesce(max(set_counts.bytes), 0) as what
      from sets left join set_counts on set_counts.instance_id = sets.instance_id and set_counts.bucket = sets.bucket
      where removing = 0
      group by sets.instance_id, sets.bucket
      having count(*) <> coalesce(max(set_counts.count), 0) or coalesce(sum(size), 0) <> coalesce(max(set_counts.bytes), 0)`,
  sql`select 'instance ' || instance_id || ': ' || count || ' sets of bucket ' || bucket || ' are counted, none is there' as what
      from set_counts
      where count > 0 and not exists (
        select 1 from sets where sets.instance_id = set_counts.instance_id and sets.bucket = set_counts.bucket and removing = 0)`,
  sql`select 'set ' || id || ': its bucket is ' || bucket || ', not that of ' || status || ', ' || mode || ', ' || type as what
      from sets
      where bucket <> case when status = 'Failed' then 1 else 0 end + case when mode = 'Manual' then 2 else 0 end
        + case when type = 'IncrementalBackup' then 4 else 0 end`,
  sql`select 'set ' || id || ': it adds to set ' || parent_id || ', which is not there' as what
      from sets
      where removing = 0 and parent_id is not null
        and not exists (select 1 from sets as parents where parents.id = sets.parent_id and parents.removing = 0)`,
  sql`select 'set ' || id || ': Success, but it names no manifest' as what
      from sets where status = 'Success' and manifest_key is null`,
  sql`select 'set ' || id || ': it is being removed, but no task removes it' as what
      from sets
      where removing = 1 and not exists (
        select 1 from tasks where tasks.set_id = sets.id and kind = 'expire' and state in ('waiting', 'running'))`,
  sql`select 'set ' || id || ': held until ' || held_until || ', but its holds say otherwise' as what
      from sets
      where removing = 0 and held_until <> coalesce((select max(until) from holds where holds.set_id = sets.id), 0)`,
  sql`select 'task ' || id || ': it reads set ' || set_id || ' without holding it' as what
      from tasks
      where kind in ('verify', 'restore', 'clone') and state in ('waiting', 'running') and set_id is not null
        and not exists (select 1 from holds where holds.set_id = tasks.set_id and owner = 'task/' || tasks.id)`,
  sql`select 'instance ' || id || ': registered, but it has no node' as what
      from instances
      where deregistered_at is null and not exists (select 1 from nodes where nodes.instance_id = instances.id)
        and not exists (
          select 1 from tasks where tasks.instance_id = instances.id and kind = 'clone' and state in ('waiting', 'running'))`,
  sql`select 'ids: ' || last_id || ' counts as the last one given, but ' || used.id || ' is in use' as what
      from about, (select max(id) as id from (
        select max(id) as id from sets union all select max(id) from tasks union all select max(id) from nodes) as ids) as used
      where used.id > last_id`,
]

export const checkMethods = ({ database }: Deps): Pick<Catalog, 'check'> => ({
  check: async () => {
    const found = await database.integrity()
    for (const finding of FINDINGS) found.push(...(await database.read((db) => whatOf(finding, db))))
    return found
  },
})

const whatOf = async (finding: RawBuilder<Finding>, db: Kysely<Tables>): Promise<string[]> =>
  (await finding.execute(db)).rows.map(({ what }) => what)
