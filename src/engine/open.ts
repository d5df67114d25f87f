import { Fault } from '../core/fault.ts'
import type { EngineKind } from '../core/instance.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Engine } from './engine.ts'
import { postgresEngine } from './postgres/engine.ts'

/** The one list of engines. Fault 'unsupported' for a kind that has none yet. */
export function openEngine(kind: EngineKind, deps: { clock: Clock; log: Log }): Engine {
  if (kind === 'postgres') return postgresEngine(deps)
  throw new Fault('unsupported', `open the engine of ${kind}`, { hint: 'Holdfast protects PostgreSQL.' })
}
