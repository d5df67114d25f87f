import type { BackupSet } from '../core/backup-set.ts'
import type { Catalog, Page, SetQuery } from './catalog.ts'
import { FOREVER, tuplesOf, type Deps, type Question, type Row, type Story } from './database.ts'
import { numberOf } from './ids.ts'
import { pageSql, type Order, type PageSql } from './page-sql.ts'
import { bucketsOf, setOf } from './set-rows.ts'

/** Sets passed over one by one on the way to a page, at most: beyond, the narrow index of the buckets is quicker. */
const SHALLOW = 500

/** From the first start to before the second. A query's ends are whole seconds, and both included. */
type Bounds = readonly [from: number, before: number]

const EVER: Bounds = [0, FOREVER]

/** The readers of sets, answered by prepared statements: the path of DescribeBackups. */
export function pageMethods({ database }: Deps): Pick<Catalog, 'sets' | 'set'> {
  const sql = pageSql(database.kind, database.nowAsked().sql)
  const one = (id: number): Question => ({ sql: sql.one, values: [...database.nowAsked().values, id], tuples: true })
  return {
    sets: (query) =>
      database.hot<Page<BackupSet>>(() =>
        query.setId === undefined
          ? page(query, sql, database.nowAsked().values)
          : pageOfOne(query, one(numberOf(query.setId) ?? -1)),
      ),
    set: async (id) => {
      const number = numberOf(id)
      if (number === undefined) return undefined
      const [tuple] = tuplesOf(await database.ask(one(number)))
      return tuple && setOf(tuple)
    },
  }
}

function* page(query: SetQuery, sql: PageSql, now: Question['values']): Story<Page<BackupSet>> {
  const counts = yield { sql: sql.counts, values: [query.instanceId] }
  const wanted = bucketsOf(query)
  const present = counts.filter((row) => wanted.includes(Number(row['bucket'])))
  const buckets = present.map((row) => Number(row['bucket']))
  const total = yield* totalOf(query, buckets, present, sql)
  const length = Math.min(query.limit, total - query.offset)
  if (length <= 0) return { total, items: [] }

  const { order, skipped } = nearerEnd(total, query.offset, length)
  const plain = buckets.length === counts.length && skipped <= SHALLOW
  const { instanceId } = query
  const bounds = boundsOf(query)
  const entries = () => buckets.flatMap((bucket) => sql.entryValues(instanceId, bucket, bounds, skipped + length))
  const rows = plain
    ? yield { sql: sql.walk(order), values: [...now, instanceId, ...bounds, length, skipped], tuples: true }
    : yield {
        sql: sql.pick(order, buckets.length),
        values: [...now, ...entries(), length, skipped, instanceId],
        tuples: true,
      }
  const items = tuplesOf(rows).map(setOf)
  return { total, items: order === 'asc' ? items.reverse() : items }
}

/** What is counted already, unless a bound of time asks for a part of it. */
function* totalOf(query: SetQuery, buckets: readonly number[], counts: readonly Row[], sql: PageSql): Story<number> {
  const bounds = boundsOf(query)
  if (bounds === EVER || buckets.length === 0) return counts.reduce((sum, row) => sum + Number(row['count']), 0)
  const [row] = yield { sql: sql.countBetween(buckets.length), values: [query.instanceId, ...buckets, ...bounds] }
  return Number(row?.['count'])
}

/** From which end to walk, and how many to pass over: the last page costs what the first one does. */
function nearerEnd(total: number, offset: number, length: number): { order: Order; skipped: number } {
  const behind = total - offset - length
  return behind < offset ? { order: 'asc', skipped: behind } : { order: 'desc', skipped: offset }
}

function boundsOf({ from, to }: SetQuery): Bounds {
  return from === undefined && to === undefined ? EVER : [from ?? 0, to === undefined ? FOREVER : to + 1000]
}

function* pageOfOne(query: SetQuery, question: Question): Story<Page<BackupSet>> {
  const found = tuplesOf(yield question)
    .map(setOf)
    .filter((set) => isIn(set, query))
  return { total: found.length, items: query.offset === 0 ? found.slice(0, query.limit) : [] }
}

function isIn(set: BackupSet, query: SetQuery): boolean {
  const [from, before] = boundsOf(query)
  return (
    set.instanceId === query.instanceId &&
    set.removing !== true &&
    (query.status ?? set.status) === set.status &&
    (query.mode ?? set.mode) === set.mode &&
    (query.type ?? set.type) === set.type &&
    set.startedAt >= from &&
    set.startedAt < before
  )
}
