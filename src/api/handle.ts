import type { Log } from '../lib/log.ts'
import { splitTarget } from './canonical.ts'
import { createHealth, HEALTH_PATH, LIVE_PATH, type Health } from './health.ts'
import { LINK_PREFIX } from './links.ts'
import { createRequestMetrics, type RequestMetrics } from './metrics-requests.ts'
import { plainError } from './plain-error.ts'
import type { Reply, Request } from './request.ts'
import { createRpc, type Rpc, type RpcDeps } from './rpc.ts'

export interface HandlerDeps extends RpcDeps {
  /** Answers what lies below `/link/`. */
  readonly links: (request: Request) => Promise<Reply>
}

/** What one process tells of itself on the metrics page. */
export type Figures = Rpc['figures'] & {
  readonly auditDropped: number
  readonly auditFailing: boolean
}

/** The pure front door of the service: what answers a request, without a port. */
export interface Handler {
  /** Answers any request. Never rejects, and never answers 500 for what the caller did. */
  (request: Request): Promise<Reply>
  readonly requests: RequestMetrics
  readonly health: () => Promise<Health>
  readonly figures: () => Figures
}

/** Its routes: calls at `/`, links below `/link/`, `/healthz`. Counts every answer. */
export function createHandler(deps: HandlerDeps): Handler {
  const { catalog, clock, store } = deps.context
  const rpc = createRpc(deps)
  const health = createHealth({ catalog, store, clock, log: deps.log })
  const requests = createRequestMetrics()

  const route = async (request: Request): Promise<{ readonly reply: Reply; readonly action: string }> => {
    const { path, query } = splitTarget(request.target)
    if (path === '/') {
      const { reply, action } = await rpc.answer(request, query)
      return { reply, action: action || 'none' }
    }
    if (path.startsWith(LINK_PREFIX)) {
      const asked = inOriginForm(request)
      const reply = await deps.links(asked)
      deps.reads?.download(asked, reply.status)
      return { reply, action: 'link' }
    }
    if (path === HEALTH_PATH || path === LIVE_PATH) return { reply: await health.reply(path), action: 'healthz' }
    return { reply: plainError(deps.hostId, request, 'NotFound.Path'), action: 'none' }
  }

  const handle = async (request: Request): Promise<Reply> => {
    const begun = clock.monotonic()
    const { reply, action } = await route(request).catch((error: unknown) => ({
      reply: internalError(deps, request, error),
      action: 'none',
    }))
    requests.observe(action, reply.status, (clock.monotonic() - begun) / 1000)
    return reply
  }

  const figures = () => ({
    ...rpc.figures,
    auditDropped: deps.reads?.dropped ?? 0,
    auditFailing: deps.reads?.failing ?? false,
  })
  return Object.assign(handle, { requests, health: () => health.check(), figures })
}

function inOriginForm(request: Request): Request {
  if (request.target.startsWith('/')) return request
  const { path, query } = splitTarget(request.target)
  return { ...request, target: query === '' ? path : `${path}?${query}` }
}

function internalError({ log, hostId }: { log: Log; hostId: string }, request: Request, error: unknown): Reply {
  log.error({ err: error, remoteAddress: request.remoteAddress }, 'request failed')
  return plainError(hostId, request, 'InternalError')
}
