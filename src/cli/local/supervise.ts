import type { ChildProcess } from 'node:child_process'
import type { Config } from '../../config/config.ts'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { failureOf, type ToChild, type ToParent } from './messages.ts'
import type { Addresses, Role } from './role.ts'

const FIRST_BACK_OFF_MS = 500
const LONGEST_BACK_OFF_MS = 30_000
/** A child that lived so long starts its back-off anew. */
const SETTLED_MS = 60_000

export interface ChildDeps {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly fork: (role: Role) => ChildProcess
  /** Called with what a child listens on, each time one is ready. */
  readonly onReady: (role: Role, addresses: Addresses) => void
  /** Called when a child made a task. */
  readonly onWake: () => void
}

/** One role kept alive in a process of its own. */
export interface Supervised {
  readonly role: Role
  wake(): void
  /** Resolves when it was asked to stop and has; rejects when its first start failed. */
  readonly done: Promise<void>
}

/**
 * Starts a child for `role` and starts it again, with back-off, whenever it dies, until `stop` aborts: then it is asked to end,
 * and `kill` ends it at once. A child that never came up is a failure of the whole: `done` rejects with its reason.
 */
export function supervise(role: Role, deps: ChildDeps, stop: AbortSignal, kill: AbortSignal): Supervised {
  const { clock, log } = deps
  let child: ChildProcess | undefined
  let known: Addresses = {}
  let everReady = false
  const tell = (message: ToChild) => {
    if (child?.connected) child.send(message)
  }

  const listen = (started: ChildProcess, onFailure: (failure: Error) => void) => {
    started.on('message', (message: ToParent) => {
      if (message.kind === 'wake') deps.onWake()
      if (message.kind === 'failed') onFailure(failureOf(message))
      if (message.kind === 'ready') {
        everReady = true
        known = message.addresses
        deps.onReady(role, message.addresses)
      }
    })
  }

  const once = async () => {
    let failure: Error | undefined
    const started = deps.fork(role)
    child = started
    listen(started, (why) => {
      failure = why
    })
    tell({ kind: 'start', config: withPorts(deps.config, known) })
    if (stop.aborted) tell({ kind: 'stop' })
    const how = await ended(started)
    if (!stop.aborted && !everReady) {
      throw failure ?? new Fault('service_unavailable', `start the ${role}: it ended with ${how}`)
    }
    if (!stop.aborted) log.error({ child: role, ended: how, reason: failure?.message }, 'child died, starting it again')
  }

  const keep = async () => {
    let backOffMs = FIRST_BACK_OFF_MS
    while (!stop.aborted) {
      const startedAt = clock.monotonic()
      await once()
      if (stop.aborted) return
      if (clock.monotonic() - startedAt > SETTLED_MS) backOffMs = FIRST_BACK_OFF_MS
      await clock.sleep(backOffMs, stop).catch(() => {})
      backOffMs = Math.min(LONGEST_BACK_OFF_MS, backOffMs * 2)
    }
  }

  stop.addEventListener('abort', () => tell({ kind: 'stop' }), { once: true })
  kill.addEventListener('abort', () => child?.kill('SIGKILL'), { once: true })
  return { role, wake: () => tell({ kind: 'wake' }), done: keep() }
}

/** How a child ended, in words: `exit code 1`, `SIGKILL`. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 0}`))
  })
}

/** A child that is started again listens where the one before it did, also when the system chose those ports. */
function withPorts(config: Config, { port, metricsPort }: Addresses): Config {
  return {
    ...config,
    api: { ...config.api, port: port ?? config.api.port },
    metrics: { ...config.metrics, port: metricsPort ?? config.metrics.port },
  }
}
