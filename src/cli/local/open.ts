import { existsSync } from 'node:fs'
import type { Catalog } from '../../catalog/catalog.ts'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { configSources, type ConfigOptions } from '../options.ts'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'

/** The configuration that a local command was asked to work with. */
export const configOf = (options: ConfigOptions, parts: Parts): Config => loadConfig(configSources(options, parts.env))

/** Opens the catalog, makes it or brings it up to this version if need be, gives it to `use`, and closes it. */
export const withCatalog = <T>(config: Config, parts: Parts, use: (catalog: Catalog) => Promise<T>): Promise<T> =>
  opened(config, parts, use, { migrate: true })

/**
 * The same for a catalog that is there, and is only looked at: nothing is made or migrated, so that a mistyped directory is
 * no catalog that is well. Fault 'not_found' when there is none, 'conflict' when it is of an older version.
 */
export async function withExistingCatalog<T>(
  config: Config,
  parts: Parts,
  use: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  const file = /^sqlite:(.+)$/.exec(config.catalog.url)?.[1]
  if (file !== undefined && !existsSync(file)) {
    throw new Fault('not_found', `open the catalog: there is no ${file}`, { hint: 'Check --data-dir and catalog.url.' })
  }
  return opened(config, parts, use, { migrate: false })
}

async function opened<T>(
  config: Config,
  parts: Parts,
  use: (catalog: Catalog) => Promise<T>,
  { migrate }: { readonly migrate: boolean },
): Promise<T> {
  const catalog = await parts.openCatalog(config, { log: parts.log('warn', 'cli'), migrate })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}
