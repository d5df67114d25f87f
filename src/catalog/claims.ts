import { sql, type RawBuilder } from 'kysely'
import { BULK_KINDS, type Task, type TaskKind } from '../core/task.ts'
import type { Database, Deps } from './database.ts'
import { IS_OPEN, taskOf } from './task-rows.ts'

/** What may run at once, over all workers. 0 or absent: no limit. */
export interface ClaimLimits {
  /** Tasks that move the bytes of a set: backups, restores, drills, verifications. */
  readonly bulk?: number
  /** Backups of instances that have nodes at one host. */
  readonly perHost?: number
  /** Drills, each of which runs a database. */
  readonly drills?: number
}

export interface ClaimCatalog {
  /**
   * The oldest waiting task of these kinds that the limits let run, or a running one whose lease ended, now ours for `leaseMs`;
   * `attempt` is one more; backups, drills and verifications come after all others. Undefined when there is none. A task that a limit holds back is never overtaken by one for the same room.
   */
  claimTask(
    worker: string,
    kinds: readonly TaskKind[],
    leaseMs: number,
    limits?: ClaimLimits,
  ): Promise<Task | undefined>
}

/** How a worker gets a task. */
export const claimMethods = ({ database }: Deps): ClaimCatalog => ({
  claimTask: (worker, kinds, leaseMs, { bulk = 0, perHost = 0, drills = 0 } = {}) =>
    database.write(async (trx) => {
      if (database.kind === 'postgres' && bulk + perHost + drills > 0) {
        // What is counted must be all that runs: those who claim under limits wait for each other, as all do on SQLite.
        await trx.selectFrom('about').select('one').forUpdate().execute()
      }
      const row = await trx
        .updateTable('tasks')
        .set({
          state: 'running',
          attempt: sql`attempt + 1`,
          worker,
          started_at: sql`coalesce(started_at, ${database.now()})`,
          due_at: sql`${database.now()} + ${leaseMs}`,
        })
        .where('id', '=', (tasks) =>
          tasks
            .selectFrom('tasks')
            .select('id')
            .where(IS_OPEN)
            .where('due_at', '<=', database.now())
            .where('kind', 'in', kinds)
            .$if(bulk > 0, (query) => query.where(roomForBulk(database, bulk)))
            .$if(drills > 0, (query) => query.where(roomForDrill(database, drills)))
            .$if(perHost > 0, (query) => query.where(roomAtHosts(database, perHost)))
            .orderBy(PATIENT)
            .orderBy('created_at')
            .orderBy('id')
            .limit(1)
            .$if(database.kind === 'postgres', (query) => query.forUpdate().skipLocked()),
        )
        .returningAll()
        .executeTakeFirst()
      return row && taskOf(row)
    }),
})

/** After a long downtime thousands of backups may wait: a restore, and what makes room in a store, shall not wait for them. */
const PATIENT: RawBuilder<number> = sql<number>`case when kind in ('take-backup', 'verify', 'drill') then 1 else 0 end`

/** A lease that ended counts no more: its worker is gone, and its task waits to be claimed again. */
const roomForBulk = ({ now }: Database, most: number): RawBuilder<boolean> => sql<boolean>`(
  kind not in (${sql.join(BULK_KINDS)})
  or (select count(*) from tasks as running
      where running.kind in (${sql.join(BULK_KINDS)}) and running.state = 'running' and running.due_at > ${now()}) < ${most})`

const roomForDrill = ({ now }: Database, most: number): RawBuilder<boolean> => sql<boolean>`(
  kind <> 'drill'
  or (select count(*) from tasks as running
      where running.kind = 'drill' and running.state = 'running' and running.due_at > ${now()}) < ${most})`

/**
 * Each host has a queue of backups: those that run, then those that wait, the oldest first. A backup may run when it is among
 * the first in the queue of each of its hosts, so one with several hosts is not overtaken for ever at one and then the other.
 */
const roomAtHosts = (database: Database, most: number): RawBuilder<boolean> => sql<boolean>`(
  kind <> 'take-backup'
  or id not in (
    select queued.id from (
      select queue.id, row_number() over (
        partition by ${hostOf(database)}
        order by case when queue.state = 'running' and queue.due_at > ${database.now()} then 0 else 1 end,
          queue.created_at, queue.id
      ) as place
      from tasks as queue join nodes on nodes.instance_id = queue.instance_id
      where queue.kind = 'take-backup' and queue.state in ('waiting', 'running')
        and (queue.state = 'running' or queue.due_at <= ${database.now()})
      group by queue.id, queue.created_at, queue.state, queue.due_at, ${hostOf(database)}
    ) as queued where queued.place > ${most}))`

/** The host in the JSON of a node's address. */
const hostOf = ({ kind }: Database): RawBuilder<string> =>
  kind === 'postgres'
    ? sql<string>`lower(cast(nodes.address as jsonb) ->> 'host')`
    : sql<string>`lower(nodes.address ->> '$.host')`
