import { isLoopback } from '../config/combinations.ts'
import type { Config } from '../config/config.ts'
import { Fault } from '../core/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import { NO_ENCRYPTION, type Encryption } from '../set/encryption.ts'
import type { Action, ActionContext } from './action.ts'
import type { ReadAudit } from './audit-reads.ts'
import { createLinkHandler } from './download.ts'
import { createHandler, type Handler } from './handle.ts'
import { createLinks } from './links.ts'
import { serveMetrics } from './metrics-server.ts'
import { listen, type Handle, type HttpDeps } from './server-http.ts'

/** The part of the configuration that the API lives by. */
export type ApiConfig = Pick<Config, 'api' | 'limits' | 'links' | 'metrics' | 'region' | 'restore' | 'clones'>

export interface ApiDeps
  extends Pick<ActionContext, 'catalog' | 'store' | 'clock' | 'engineOf' | 'wake'>, Pick<HttpDeps, 'log'> {
  /** Absent: nothing is encrypted, and nothing that is can be opened. */
  readonly encryption?: Encryption | undefined
  readonly config: ApiConfig
  readonly actions: readonly Action[]
  readonly sealer: Sealer
  /** Notes who read what; nothing does when absent. */
  readonly reads?: ReadAudit | undefined
}

/** The API at work. */
export interface RunningApi {
  /** How clients reach it: `api.publicUrl`, or made from host and port. */
  readonly url: string
  readonly port: number
  /** Undefined when metrics are not served. */
  readonly metricsUrl: string | undefined
  readonly metricsPort: number | undefined
  /** Takes no more requests, lets what runs come to its end for ten seconds, and closes. */
  close(): Promise<void>
}

/**
 * Starts the API, and the metrics page on its own address. Fault 'invalid' when it would listen beyond loopback without TLS and that
 * was not asked for.
 */
export async function startApi(deps: ApiDeps): Promise<RunningApi> {
  const { config, clock, log } = deps
  refusePlaintext(config.api)
  const http: HttpDeps = { limits: config.limits, clock, log }
  let publicUrl = config.api.publicUrl ?? ''
  let handler: Handler | undefined
  const api = await listen(config.api, http, (url): Handle => {
    publicUrl ||= url
    handler = makeHandler(deps, publicUrl)
    return handler
  })
  if (config.api.publicUrl === undefined && !isLoopback(config.api.host)) {
    log.warn({ url: publicUrl }, 'api.publicUrl is not set: links are made with this name, which clients may not know')
  }
  const metrics = await startMetrics(deps, http, handler).catch(async (error: unknown) => {
    await api.close()
    throw error
  })
  return {
    url: publicUrl,
    port: api.port,
    metricsUrl: metrics?.url,
    metricsPort: metrics?.port,
    close: async () => void (await Promise.all([api.close(), metrics?.close()])),
  }
}

const startMetrics = async ({ config, catalog, store }: ApiDeps, http: HttpDeps, handler: Handler | undefined) =>
  handler && serveMetrics(config.metrics, http, { catalog, store }, handler)

function makeHandler(
  { config, actions, sealer, log, reads, encryption = NO_ENCRYPTION, ...parts }: ApiDeps,
  publicUrl: string,
): Handler {
  const { catalog, store, clock } = parts
  const { intranetUrl } = config.api
  const links = createLinks(sealer, clock, { publicUrl, intranetUrl, ...config.links })
  return createHandler({
    actions,
    context: {
      ...parts,
      sealer,
      links,
      encryption,
      region: config.region,
      restoreRoots: config.restore.roots,
      clones: config.clones.directory !== undefined,
    },
    links: createLinkHandler({ links, catalog, store, clock, log, limits: config.limits }),
    limits: config.limits,
    log,
    reads,
    hostId: new URL(publicUrl).host,
  })
}

function refusePlaintext({ host, tls, allowPlaintext }: ApiConfig['api']): void {
  if (isLoopback(host) || tls !== undefined || allowPlaintext) return
  throw new Fault('invalid', `listen on ${host}: it is beyond loopback, and there is no TLS`, {
    hint: 'Set api.tls.cert and api.tls.key, or api.allowPlaintext: true behind a proxy that ends TLS.',
  })
}
