import { openCatalog } from '../catalog/open.ts'
import { readSecretFile } from '../config/client.ts'
import type { Config } from '../config/config.ts'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { openKeyFile } from '../lib/seal.ts'

/** What seals secrets with the key of this file, which is made when absent. */
export const openSealer = (keyFile: string) =>
  openKeyFile(keyFile, (message, options) => new Fault('invalid', message, options))

/** The catalog that a configuration names. */
export async function openConfigured(
  { catalog, keyFile }: Config,
  clock: Clock,
  { log, migrate }: { log: Log; migrate: boolean },
) {
  const password = catalog.passwordFile === undefined ? undefined : readSecretFile(catalog.passwordFile)
  return openCatalog({ url: catalog.url, password, sealer: await openSealer(keyFile), clock, log, migrate })
}
