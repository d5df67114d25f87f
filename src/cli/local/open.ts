import type { Catalog } from '../../catalog/catalog.ts'
import { loadConfig, type Config } from '../../config/load.ts'
import { configSources, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'

/** The configuration that a local command was asked to work with. */
export const configOf = (options: ConfigOptions, parts: Parts): Config => loadConfig(configSources(options, parts.env))

/** Opens the catalog, brings it up to this version if need be, gives it to `use`, and closes it. */
export async function withCatalog<T>(config: Config, parts: Parts, use: (catalog: Catalog) => Promise<T>): Promise<T> {
  const log = parts.log('warn', 'cli')
  const catalog = await parts.openCatalog(config, { log, migrate: true })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}
