import type { Value } from './database.ts'
import { setColumns } from './set-rows.ts'

export type Order = 'asc' | 'desc'

/** The SQL of the questions about sets. Each method gives one text for one shape of question, made once. */
export interface PageSql {
  /** One set by its id. Values: now, id. */
  readonly one: string
  /** Every set. Values: now. */
  readonly all: string
  /** How many sets of each bucket an instance has. Values: instance. */
  readonly counts: string
  /** A page of all sets of an instance, read in their order. Values: now, instance, bounds, limit, offset. */
  walk(order: Order): string
  /**
   * A page of the sets of some buckets: the ordered entries of each are merged and skipped in their narrow index, and only then
   * the sets of the page are read. What a filter leaves out costs nothing, and a deep page little. Values: now, then those of
   * `entryValues` for each bucket, limit, offset, instance.
   */
  pick(order: Order, buckets: number): string
  /** The values of one bucket in `pick`, which needs no more than its first `most` entries. */
  entryValues(instanceId: string, bucket: number, bounds: readonly [number, number], most: number): readonly Value[]
  /** How many sets of some buckets start within bounds. Values: instance, each bucket, bounds. */
  countBetween(buckets: number): string
}

/**
 * The SQL for one kind of database. `now`: the catalog's own time as an expression.
 *
 * SQLite merges the ranges of a union by itself. PostgreSQL sees the order of a range only in a subquery that has a limit of its
 * own; without one it reads and sorts everything.
 */
export function pageSql(kind: 'sqlite' | 'postgres', now: string): PageSql {
  const columns = setColumns(now)
  // A bare `limit ?` makes SQLite plan anew whenever it is bound, which costs more than reading ten sets.
  const cut = 'limit ? + 0 offset ? + 0'
  // `removing = 0` is spelled out so that the partial indexes serve.
  const between = 'removing = 0 and started_at >= ? and started_at < ?'
  const range = `select started_at, id from sets where instance_id = ? and bucket = ? and ${between}`
  const entries = (order: Order) =>
    kind === 'sqlite' ? range : `select * from (${range} order by started_at ${order}, id ${order} limit ?) as entries`
  return {
    one: `select ${columns} from sets where id = ?`,
    all: `select ${columns} from sets order by id`,
    counts: 'select bucket, count from set_counts where instance_id = ? and count > 0',
    walk: memo(
      (order: Order) =>
        `select ${columns} from sets where instance_id = ? and ${between}
           order by started_at ${order}, id ${order} ${cut}`,
    ),
    // A cross join keeps SQLite from reading all sets of the instance and looking each up among those picked.
    pick: memo(
      (order: Order, buckets: number) =>
        `select ${columns} from (
           ${repeated(entries(order), buckets, ' union all ')} order by started_at ${order}, id ${order} ${cut}
         ) as picked cross join sets
         where sets.instance_id = ? and sets.started_at = picked.started_at and sets.id = picked.id
         order by picked.started_at ${order}, picked.id ${order}`,
    ),
    entryValues: (instanceId, bucket, bounds, most) =>
      kind === 'sqlite' ? [instanceId, bucket, ...bounds] : [instanceId, bucket, ...bounds, most],
    countBetween: memo(
      (buckets: number) =>
        `select count(*) as count from sets where instance_id = ? and bucket in (${repeated('?', buckets, ', ')})
           and ${between}`,
    ),
  }
}

const repeated = (text: string, times: number, glue: string) => Array.from({ length: times }, () => text).join(glue)

/** Makes each text once. */
function memo<Shape extends readonly (string | number)[]>(make: (...shape: Shape) => string) {
  const made = new Map<string, string>()
  return (...shape: Shape): string => {
    const key = shape.join()
    const text = made.get(key) ?? make(...shape)
    made.set(key, text)
    return text
  }
}
