import { openEncryption } from '../cli/local/encryption.ts'
import type { Config } from '../config/config.ts'
import type { EngineKind } from '../core/instance.ts'
import { openEngine } from '../engine/open.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../lib/log.ts'
import { openStore } from '../store/open.ts'
import { openConfigured } from './catalog.ts'
import type { Program } from './program.ts'

/** What both roles work with. */
export async function openDeps(config: Config, log: Log, { clock, openEngine: open = openEngine }: Program) {
  const engines = new Map<EngineKind, Engine>()
  return {
    catalog: await openConfigured(config, clock, { log, migrate: false }),
    store: await openStore(config.store.url, clock),
    encryption: await openEncryption(config.encryption),
    clock,
    log,
    /** One engine of each kind for a whole process. */
    engineOf: (kind: EngineKind) => {
      const engine = engines.get(kind) ?? open(kind, { clock, log })
      engines.set(kind, engine)
      return engine
    },
  }
}
