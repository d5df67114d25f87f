import type { Catalog } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { MARKER } from '../store/marker.ts'
import type { Store } from '../store/store.ts'
import type { Reply } from './request.ts'

export interface HealthDeps {
  readonly catalog: Pick<Catalog, 'sinceLastBeat'>
  readonly store: Pick<Store, 'stat'>
  readonly clock: Clock
  readonly log: Log
}

/** Whether the service can do its work now, and what keeps it from that. */
export interface Health {
  readonly ready: boolean
  readonly problems: readonly { readonly part: 'catalog' | 'store' | 'worker'; readonly what: string }[]
}

/** A worker says that it is there every few seconds. One that was silent for so long is missing. */
export const WORKER_SILENCE_MS = 30_000

/** The path that tells whether the service is ready, and the one that tells only that it lives. */
export const HEALTH_PATH = '/healthz'
export const LIVE_PATH = '/healthz/live'

/** Whoever asks costs the catalog and the store one look in this time, however often they ask. */
const REMEMBERED_MS = 1000

/**
 * Answers `/healthz`: 200 when a call and a backup can be done now, else 503 with everything that is missing, by name. It is
 * not signed, so it names no paths and no addresses; those stand in the log.
 */
export function createHealth(deps: HealthDeps): { check(): Promise<Health>; reply(path: string): Promise<Reply> } {
  let last: { readonly at: number; readonly health: Promise<Health> } | undefined

  const check = () => {
    const now = deps.clock.monotonic()
    if (last === undefined || now - last.at >= REMEMBERED_MS) last = { at: now, health: look(deps) }
    return last.health
  }

  return {
    check,
    async reply(path) {
      if (path === LIVE_PATH) return toReply(200, { live: true })
      const { ready, problems } = await check()
      return toReply(ready ? 200 : 503, { live: true, ready, problems })
    },
  }
}

function toReply(status: number, fields: Readonly<Record<string, unknown>>): Reply {
  const body = `${JSON.stringify(fields)}\n`
  const headers = {
    'content-type': 'application/json;charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}

async function look(deps: HealthDeps): Promise<Health> {
  const found = await Promise.all([lookAtCatalog(deps), lookAtStore(deps)])
  const problems = found.filter((problem) => problem !== undefined)
  return { ready: problems.length === 0, problems }
}

async function lookAtCatalog({ catalog, log }: HealthDeps): Promise<Health['problems'][number] | undefined> {
  try {
    const silence = await catalog.sinceLastBeat()
    if (silence === undefined) return { part: 'worker', what: 'no worker has ever reported' }
    if (silence <= WORKER_SILENCE_MS) return undefined
    return { part: 'worker', what: `no worker has reported for ${Math.floor(silence / 1000)} s` }
  } catch (error) {
    log.error({ err: error }, 'health: the catalog does not answer')
    return { part: 'catalog', what: 'the catalog does not answer' }
  }
}

async function lookAtStore({ store, log }: HealthDeps): Promise<Health['problems'][number] | undefined> {
  try {
    await store.stat(MARKER)
    return undefined
  } catch (error) {
    log.error({ err: error }, 'health: the store does not answer')
    const gone = Fault.is(error, 'not_found')
    return { part: 'store', what: gone ? 'the store is not there' : 'the store does not answer' }
  }
}
