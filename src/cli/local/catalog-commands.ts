import type { Command } from 'commander'
import { Fault } from '../../core/fault.ts'
import { withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { readExport, writeExport, type ExportOptions, type ImportOptions } from './catalog-file.ts'
import { localChange } from './local-change.ts'
import { lockRoles } from './lock-roles.ts'
import { configOf, withCatalog, withExistingCatalog } from './open.ts'
import { rebuildCatalog } from './rebuild.ts'
import { ROLES } from './role.ts'

interface CatalogOptions extends ConfigOptions {
  readonly json?: boolean
}

/** `catalog rebuild|check|export|import`: work on the catalog of this machine, without a service. */
export function addCatalog(program: Command, parts: Parts): void {
  const catalog = program.command('catalog').description('the index of what is known, on this machine')
  withConfigOptions(catalog.command('rebuild'))
    .description('read the store, and add every instance and set that the catalog does not know')
    .option('--json', 'print JSON')
    .action((options: CatalogOptions) => rebuild(options, parts))
  withConfigOptions(catalog.command('check'))
    .description('look for what is not as it must be')
    .option('--json', 'print JSON')
    .action((options: CatalogOptions) => check(options, parts))
  withConfigOptions(catalog.command('export <file>'))
    .description('write everything into one file, encrypted with a passphrase or to recipients')
    .option('--recipient <recipients...>', 'recipients of age who can open it, instead of a passphrase')
    .option('--passphrase-file <file>', "file with the passphrase, '-' for standard input; else it is asked for")
    .action((file: string, options: ExportOptions) => writeExport(file, options, parts))
  withConfigOptions(catalog.command('import <file>'))
    .description('fill an empty catalog from such a file')
    .option('--identity-file <file>', 'file with the identity of a recipient, as age-keygen writes it')
    .option('--passphrase-file <file>', "file with the passphrase, '-' for standard input; else it is asked for")
    .action((file: string, options: ImportOptions) => readExport(file, options, parts))
}

async function rebuild(options: CatalogOptions, parts: Parts): Promise<void> {
  const config = configOf(options, parts)
  using _lock = await lockRoles(config.dataDir, ROLES)
  const store = await parts.openStore(config.store.url, { create: false })
  const found = await withCatalog(config, parts, async (catalog) => {
    // Before the first addition: one that is cut short half way has been noted, too.
    const { audit } = localChange('catalog rebuild', { store: config.store.url }, parts.clock)
    await catalog.addAuditRecord({ ...audit, outcome: 'done', code: '', taskIds: [], setIds: [] })
    return rebuildCatalog(catalog, store, parts.clock.now())
  })
  for (const problem of found.problems) parts.io.err.write(`warning: ${problem}\n`)
  if (options.json) parts.io.out.write(`${JSON.stringify(found, null, 2)}\n`)
  else parts.io.out.write(`${found.instances} instances and ${found.sets} sets added, ${found.known} sets were known\n`)
  if (found.problems.length > 0) {
    throw new Fault(
      'store_corrupt',
      `rebuild the catalog: ${found.problems.length} things in the store could not be read`,
    )
  }
  if (found.instances > 0 && !options.json) parts.io.err.write(AFTER_REBUILD)
}

const AFTER_REBUILD = `Passwords and access keys are not in a store. To go on:
  holdfast keys add --local                      makes an access key
  holdfast instances show INSTANCE               shows the nodes of an instance
  holdfast instances nodes login INSTANCE NODE   gives a node its password again
`

async function check(options: CatalogOptions, parts: Parts): Promise<void> {
  const problems = await withExistingCatalog(configOf(options, parts), parts, (catalog) => catalog.check())
  if (options.json) parts.io.out.write(`${JSON.stringify({ ok: problems.length === 0, problems }, null, 2)}\n`)
  else for (const problem of problems) parts.io.out.write(`${problem}\n`)
  if (problems.length > 0) {
    throw new Fault('catalog_corrupt', `check the catalog: ${problems.length} problems`, {
      hint: "Keep a copy of it, then 'holdfast catalog rebuild' into an empty data directory.",
    })
  }
  if (!options.json) parts.io.out.write('the catalog is as it must be\n')
}
