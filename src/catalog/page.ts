import type { BackupSet } from '../core/backup-set.ts'
import type { Catalog, Page, SetQuery } from './catalog.ts'
import { FOREVER, type Deps, type Question, type Row, type Story } from './database.ts'
import { numberOf } from './ids.ts'
import { bucketsOf, SET_COLUMNS, setOf, type SetRow } from './set-rows.ts'

/** Rows skipped one by one before a page, at most: beyond, the narrow index of the buckets is walked instead. */
const SHALLOW = 500

type Order = 'asc' | 'desc'

/** The started_at bounds of a query: from the first to before the second. Both its ends are whole seconds and included. */
type Bounds = readonly [from: number, before: number]

/** The readers of sets, answered by prepared statements: the path of DescribeBackups. */
export function pageMethods({ database }: Deps): Pick<Catalog, 'sets' | 'set'> {
  const texts = textsWith(database.nowAsked().sql)
  const now = () => database.nowAsked().values
  return {
    sets: (query) =>
      database.hot<Page<BackupSet>>(() =>
        query.setId === undefined ? page(query, texts, now()) : pageOfOne(query, texts, now()),
      ),
    set: async (id) => {
      const number = numberOf(id)
      if (number === undefined) return undefined
      const [row] = await database.ask({ sql: texts.one, values: [...now(), number] })
      return row && setOf(row as unknown as SetRow)
    },
  }
}

type Texts = ReturnType<typeof textsWith>
type Now = Question['values']

/**
 * The SQL of the questions. `removing = 0` is spelled out so that the partial indexes serve.
 *
 * `walk` reads the sets in their order. `pick` merges the ordered entries of the buckets it is given, skips in them alone, and
 * only then reads the sets of the page: what a filter leaves out costs nothing, and a deep page little.
 */
function textsWith(now: string) {
  const columns = [
    ...SET_COLUMNS.map((column) => `sets.${column}`),
    `case when held_until > ${now} then 1 else 0 end as held`,
  ].join(', ')
  const between = 'removing = 0 and started_at >= ? and started_at < ?'
  const entries = `select started_at, id from sets where instance_id = ? and bucket = ? and ${between}`
  const by = (order: Order, of = '') => `order by ${of}started_at ${order}, ${of}id ${order}`
  const repeated = (text: string, times: number, glue: string) => Array.from({ length: times }, () => text).join(glue)
  return {
    one: `select ${columns} from sets where id = ?`,
    counts: 'select bucket, count from set_counts where instance_id = ? and count > 0',
    walk: memo(
      (order: Order) =>
        `select ${columns} from sets where instance_id = ? and ${between} ${by(order)} limit ? offset ?`,
    ),
    pick: memo((order: Order, buckets: number) =>
      [
        `select ${columns} from (${repeated(entries, buckets, ' union all ')} ${by(order)} limit ? offset ?) as picked`,
        `join sets on sets.instance_id = ? and sets.started_at = picked.started_at and sets.id = picked.id`,
        by(order, 'sets.'),
      ].join(' '),
    ),
    countBetween: memo(
      (_: Order, buckets: number) =>
        `select count(*) as count from sets where instance_id = ? and bucket in (${repeated('?', buckets, ', ')}) and ${between}`,
    ),
  }
}

/** Makes each text once. */
function memo(make: (order: Order, buckets: number) => string): (order: Order, buckets: number) => string {
  const made = new Map<string, string>()
  return (order, buckets) => {
    const key = order + buckets
    const text = made.get(key) ?? make(order, buckets)
    made.set(key, text)
    return text
  }
}

function* page(query: SetQuery, texts: Texts, now: Now): Story<Page<BackupSet>> {
  const { instanceId, offset, limit } = query
  const wanted = bucketsOf(query)
  const counts = (yield { sql: texts.counts, values: [instanceId] }) as readonly { bucket: number; count: number }[]
  const present = counts.filter(({ bucket }) => wanted.includes(bucket))
  const buckets = present.map(({ bucket }) => bucket)
  const bounds = boundsOf(query)
  const total =
    bounds === EVER || buckets.length === 0
      ? present.reduce((sum, { count }) => sum + count, 0)
      : yield* countBetween(instanceId, buckets, bounds, texts)

  const length = Math.min(limit, total - offset)
  if (length <= 0) return { total, items: [] }
  // The end that is nearer: the last page costs what the first one does.
  const behind = total - offset - length
  const order: Order = behind < offset ? 'asc' : 'desc'
  const skipped = Math.min(behind, offset)
  const plain = buckets.length === counts.length && skipped <= SHALLOW
  const rows = plain
    ? yield { sql: texts.walk(order, 0), values: [...now, instanceId, ...bounds, length, skipped] }
    : yield {
        sql: texts.pick(order, buckets.length),
        values: [...now, ...buckets.flatMap((bucket) => [instanceId, bucket, ...bounds]), length, skipped, instanceId],
      }
  const items = (rows as unknown as readonly SetRow[]).map(setOf)
  return { total, items: order === 'asc' ? items.reverse() : items }
}

function* countBetween(instanceId: string, buckets: readonly number[], bounds: Bounds, texts: Texts): Story<number> {
  const values = [instanceId, ...buckets, ...bounds]
  const [row] = yield { sql: texts.countBetween('asc', buckets.length), values }
  return Number(row?.['count'])
}

const EVER: Bounds = [0, FOREVER]

function boundsOf({ from, to }: SetQuery): Bounds {
  return from === undefined && to === undefined ? EVER : [from ?? 0, to === undefined ? FOREVER : to + 1000]
}

function* pageOfOne(query: SetQuery, texts: Texts, now: Now): Story<Page<BackupSet>> {
  const id = numberOf(query.setId ?? '')
  const rows: readonly Row[] = id === undefined ? [] : yield { sql: texts.one, values: [...now, id] }
  const found = (rows as unknown as readonly SetRow[]).filter((row) => isIn(row, query)).map(setOf)
  return { total: found.length, items: query.offset === 0 ? found.slice(0, query.limit) : [] }
}

function isIn(row: SetRow, query: SetQuery): boolean {
  const [from, before] = boundsOf(query)
  return (
    row.instance_id === query.instanceId &&
    row.removing === 0 &&
    (query.status ?? row.status) === row.status &&
    (query.mode ?? row.mode) === row.mode &&
    (query.type ?? row.type) === row.type &&
    row.started_at >= from &&
    row.started_at < before
  )
}
