import type { Load } from '../../core/back-off.ts'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { LoadWatch } from '../engine.ts'
import { askIfAllowed, type Ask } from './ask.ts'
import { connect } from './connect.ts'
import { readStanding } from './lag.ts'

/** How often each node is looked at. */
const LOOK_MS = 1000

/**
 * Watches how the nodes of an instance fare, each over a connection of its own: of a replica how far it is behind, of a primary how
 * long a commit takes that writes a few bytes of WAL and no table. A node that does not answer tells nothing.
 */
export function watchLoad(nodes: readonly NodeAddress[], { clock }: { clock: Clock }): LoadWatch {
  const over = new AbortController()
  const watched = nodes.map((address) => watchNode(address, { clock, signal: over.signal }))
  return {
    latest: () => {
      const loads = watched.map(({ latest }) => latest())
      return { lagSeconds: most(loads, (load) => load.lagSeconds), commitMs: most(loads, (load) => load.commitMs) }
    },
    async [Symbol.asyncDispose]() {
      over.abort(new Fault('cancelled', 'the backup is over'))
      await Promise.all(watched.map(({ done }) => done))
    },
  }
}

function most(loads: readonly Load[], of: (load: Load) => number | undefined): number | undefined {
  const known = loads.flatMap((load) => of(load) ?? [])
  return known.length === 0 ? undefined : Math.max(...known)
}

interface Watching {
  readonly clock: Clock
  readonly signal: AbortSignal
}

function watchNode(address: NodeAddress, { clock, signal }: Watching) {
  let load: Load = {}
  /** When a commit was begun that has not ended. */
  let commitSince: number | undefined

  const look = async (ask: Ask) => {
    const { isReplica, lag } = await readStanding(ask)
    if (isReplica) return (load = { lagSeconds: lag?.seconds })
    commitSince = clock.monotonic()
    const done = await askIfAllowed(ask, COMMIT)
    return (load = done === undefined ? {} : { commitMs: clock.monotonic() - commitSince })
  }
  const watch = async () => {
    while (!signal.aborted) {
      try {
        await using connection = await connect(address, { signal })
        for (;;) {
          await look(connection.ask)
          commitSince = undefined
          await clock.sleep(LOOK_MS, signal)
        }
      } catch (error) {
        if (!signal.aborted && !(error instanceof Error)) throw error
        load = {}
        commitSince = undefined
      }
      await clock.sleep(LOOK_MS, signal).catch(() => {})
    }
  }

  return {
    // A commit that hangs has taken as long as it hangs.
    latest: (): Load =>
      commitSince === undefined
        ? load
        : { ...load, commitMs: Math.max(load.commitMs ?? 0, clock.monotonic() - commitSince) },
    done: watch(),
  }
}

/** A transaction of its own, whose commit is made durable, and waits for a synchronous replica, as any other. */
const COMMIT = `select pg_logical_emit_message(true, 'holdfast', '')`
