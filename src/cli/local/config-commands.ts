import type { Command } from 'commander'
import { checkConfig, formatProblem } from '../../config/load.ts'
import { sampleConfig } from '../../config/sample.ts'
import { Fault } from '../../core/fault.ts'
import { configSources, withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatFields } from '../table.ts'

interface CheckOptions extends ConfigOptions {
  readonly json?: boolean
}

/** `config check` and `config sample`. */
export function addConfig(program: Command, parts: Parts): void {
  const config = program.command('config').description('look at the configuration')
  withConfigOptions(config.command('check'))
    .description('say everything that is wrong with the configuration, or what it comes to')
    .option('--json', 'print the whole configuration, or the problems, as JSON')
    .action((options: CheckOptions) => check(options, parts))
  config
    .command('sample')
    .description('print a file with every setting, its meaning and its default')
    .action(() => {
      parts.io.out.write(sampleConfig())
    })
}

function check(options: CheckOptions, { env, io }: Parts): void {
  const { config, problems } = checkConfig(configSources(options, env))
  if (options.json)
    io.out.write(`${JSON.stringify(config ? { ok: true, config } : { ok: false, problems }, null, 2)}\n`)
  if (problems) {
    if (!options.json) for (const problem of problems) io.out.write(`${formatProblem(problem)}\n`)
    throw new Fault(
      'invalid',
      `check the configuration: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
    )
  }
  if (options.json) return
  const { api, catalog, store, metrics, restore, worker } = config
  io.out.write(
    formatFields({
      'data directory': config.dataDir,
      'key file': config.keyFile,
      catalog: catalog.url,
      store: store.url,
      listens: `${api.tls ? 'https' : 'http'}://${api.host}:${api.port}`,
      'public URL': api.publicUrl ?? '',
      metrics: metrics.enabled ? `http://${metrics.host}:${metrics.port}/metrics` : 'off',
      region: config.region,
      tasks: `${worker.concurrency} at once, lease ${worker.leaseSeconds} s`,
      'restores below': restore.roots.join(', ') || 'nowhere through the API',
    }),
  )
}
