import type { Metric, Sample } from './metrics-text.ts'

/** Counts the requests of one process. */
export interface RequestMetrics {
  /** Notes one answered request. `action` is a name from a fixed list, never a text of the caller. */
  observe(action: string, status: number, seconds: number): void
  metrics(): Metric[]
}

/** Upper bounds in seconds: from a page in the cache to a slow look at a database. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]

interface Series {
  readonly action: string
  readonly status: string
  /** One count a bound, and one for what is slower than all. */
  readonly counts: Float64Array
  sum: number
}

/** The counters of one process: they begin at 0 with it, as Prometheus expects. */
export function createRequestMetrics(): RequestMetrics {
  const known = new Map<string, Map<number, Series>>()

  const seriesOf = (action: string, status: number): Series => {
    const ofAction = known.get(action) ?? new Map<number, Series>()
    const series = ofAction.get(status) ?? {
      action,
      status: String(status),
      counts: new Float64Array(BOUNDS.length + 1),
      sum: 0,
    }
    ofAction.set(status, series)
    known.set(action, ofAction)
    return series
  }

  return {
    observe(action, status, seconds) {
      const series = known.get(action)?.get(status) ?? seriesOf(action, status)
      let at = 0
      while (at < BOUNDS.length && seconds > (BOUNDS[at] ?? 0)) at += 1
      series.counts[at] = (series.counts[at] ?? 0) + 1
      series.sum += seconds
    },

    metrics() {
      const all = [...known.values()].flatMap((ofAction) => [...ofAction.values()])
      return [
        {
          name: 'holdfast_api_requests_total',
          type: 'counter',
          help: 'Requests answered, by action and HTTP status.',
          samples: all.map(({ action, status, counts }) => ({ labels: { action, status }, value: total(counts) })),
        },
        {
          name: 'holdfast_api_request_duration_seconds',
          type: 'histogram',
          help: 'Time from the whole request to the begin of its answer, by action and HTTP status.',
          samples: all.flatMap(histogramOf),
        },
      ]
    },
  }
}

const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0)

function histogramOf({ action, status, counts, sum }: Series): Sample[] {
  let below = 0
  const buckets = [...counts].map((count, at) => {
    below += count
    return { labels: { action, status, le: String(BOUNDS[at] ?? '+Inf') }, value: below, suffix: '_bucket' }
  })
  const labels = { action, status }
  return [...buckets, { labels, value: sum, suffix: '_sum' }, { labels, value: below, suffix: '_count' }]
}
