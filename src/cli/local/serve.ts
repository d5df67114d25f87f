import type { ChildProcess } from 'node:child_process'
import type { Config } from '../../config/config.ts'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { ROLES, type Addresses, type Role, type RunningRole, type StartRoles } from './role.ts'
import { supervise } from './supervise.ts'

/** From the first signal to the end, whatever the tasks do. */
const STOP_MS = 30_000

/** The two signals of a service: `stop` asks it to end orderly, `kill` to end now. */
export interface StopSignals {
  readonly stop: AbortSignal
  readonly kill: AbortSignal
}

/** SIGTERM or SIGINT aborts `stop`, a second one `kill`. */
export function stopSignals(): StopSignals {
  const stop = new AbortController()
  const kill = new AbortController()
  const heard = () => (stop.signal.aborted ? kill : stop).abort()
  process.on('SIGTERM', heard)
  process.on('SIGINT', heard)
  return { stop: stop.signal, kill: kill.signal }
}

export interface ParentDeps {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly fork: (role: Role) => ChildProcess
}

/**
 * The parent of `serve`: keeps an API and a worker alive as children, passes wake-ups between them and signals on to them.
 * Resolves after `stop` when both have ended; Fault 'cancelled' when they had to be killed.
 */
export async function serveParent(deps: ParentDeps, { stop, kill }: StopSignals): Promise<void> {
  const ending = new AbortController()
  const killing = new AbortController()
  const finished = new AbortController()
  const addresses = new Map<Role, Addresses>()
  const childDeps = {
    ...deps,
    onReady: (role: Role, where: Addresses) => {
      const first = addresses.size < ROLES.length
      addresses.set(role, where)
      if (first && addresses.size === ROLES.length) logReady(deps.log, addresses.get('api') ?? {})
    },
    onWake: () => children.find(({ role }) => role === 'worker')?.wake(),
  }
  kill.addEventListener('abort', () => killing.abort(), { once: true })
  void killOverdue(stop, finished.signal, killing, deps)
  const ended = AbortSignal.any([stop, ending.signal])
  const children = ROLES.map((role) => supervise(role, childDeps, ended, killing.signal))
  const done = children.map((child) => child.done)
  try {
    await Promise.all(done)
  } finally {
    ending.abort()
    await Promise.allSettled(done)
    finished.abort()
  }
  if (killing.signal.aborted) throw new Fault('cancelled', 'end the service: its children had to be killed')
}

async function killOverdue(stop: AbortSignal, finished: AbortSignal, killing: AbortController, deps: ParentDeps) {
  await aborted(stop)
  deps.log.info('stopping')
  await deps.clock.sleep(STOP_MS, finished).catch(() => {})
  if (finished.aborted) return
  deps.log.error({ seconds: STOP_MS / 1000 }, 'children did not end in time, killing them')
  killing.abort()
}

export interface RolesDeps {
  readonly config: Config
  readonly log: Log
  readonly roles: StartRoles
}

/** Does the named roles in this one process, the fleet's form of `serve`. Resolves after `stop` when all have ended; `kill` ends it now. */
export async function serveRoles(names: readonly Role[], deps: RolesDeps, { stop, kill }: StopSignals): Promise<void> {
  const running = new Map<Role, RunningRole>()
  const wake = () => running.get('worker')?.wake()
  for (const name of names) running.set(name, await deps.roles[name](deps.config, { log: deps.log, wake }))
  logReady(deps.log, running.get('api')?.addresses ?? {})
  const all = [...running.values()]
  await Promise.race([aborted(stop), ...all.map(({ failed }) => failed)])
  deps.log.info('stopping')
  const killed = aborted(kill).then(() => {
    throw new Fault('cancelled', 'end the service: asked to end at once')
  })
  await Promise.race([Promise.all(all.map((role) => role.stop())), killed])
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The one line that says that the service answers, and where. */
function logReady(log: Log, { url, port, metricsUrl }: Addresses): void {
  log.info({ url, port, metricsUrl }, 'ready')
}
