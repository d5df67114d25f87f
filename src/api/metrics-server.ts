import type { Catalog } from '../catalog/catalog.ts'
import { isLoopback } from '../config/combinations.ts'
import type { Config } from '../config/config.ts'
import { Fault } from '../core/fault.ts'
import { createOutlook } from '../core/schedule.ts'
import { splitTarget } from './canonical.ts'
import type { Handler } from './handle.ts'
import { METRICS_PATH, METRICS_TYPE, metricsPage } from './metrics.ts'
import type { Store } from '../store/store.ts'
import type { Reply, Request } from './request.ts'
import { listen, type HttpDeps, type Listening } from './server-http.ts'

/**
 * Serves `/metrics` on its own loopback address, unsigned; its `url` ends with that path. Undefined when it is switched off. Fault
 * 'invalid' for an address beyond loopback.
 */
export async function serveMetrics(
  { enabled, host, port }: Config['metrics'],
  http: HttpDeps,
  { catalog, store }: { readonly catalog: Catalog; readonly store: Store },
  handler: Handler,
): Promise<Listening | undefined> {
  if (!enabled) return undefined
  if (!isLoopback(host)) {
    throw new Fault('invalid', `serve metrics on ${host}: it is no loopback address`, {
      hint: 'Set metrics.host to 127.0.0.1 or ::1.',
    })
  }
  const { clock, log } = http
  const { requests, health, figures } = handler
  const outlook = createOutlook()
  const page = () => metricsPage({ catalog, store, clock, requests, health, figures, outlook })
  const answer = async ({ target, method }: Request): Promise<Reply> => {
    if (splitTarget(target).path !== METRICS_PATH) return plain(404, `The metrics are at ${METRICS_PATH}.\n`)
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'The metrics are read with GET.\n')
    try {
      return plain(200, await page())
    } catch (error) {
      log.error({ err: error }, 'metrics: the catalog does not answer')
      return plain(503, 'The catalog does not answer.\n')
    }
  }
  const listening = await listen({ host, port, trustedProxies: [] }, http, () => answer)
  return { ...listening, url: `${listening.url}${METRICS_PATH}` }
}

function plain(status: number, body: string): Reply {
  const headers = { 'content-type': METRICS_TYPE, 'content-length': String(Buffer.byteLength(body)) }
  return { status, headers, body }
}
