import type { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../lib/log.ts'
import { withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { configOf, withCatalog } from './open.ts'
import { lockRoles } from './lock-roles.ts'
import { ROLES, type Role } from './role.ts'
import { serveChild } from './serve-child.ts'
import { serveParent, serveRoles, stopSignals } from './serve.ts'

export interface ServeOptions extends ConfigOptions {
  readonly host?: string
  readonly port?: string
  readonly role?: string
  readonly child?: boolean
}

/** `serve`: the parent with its two children; with `--role`, only those roles in this process. */
export function addServe(program: Command, parts: Parts): void {
  withConfigOptions(program.command('serve'))
    .description('run the service: the API and a worker')
    .option('--host <address>', 'address to listen on (api.host)')
    .option('--port <port>', 'port to listen on, 0 for a free one (api.port)')
    .option('--role <role>', 'only this role, in this process: api, worker or all')
    .addOption(program.createOption('--child', 'speak to a parent over IPC').hideHelp())
    .action((options: ServeOptions) => serve(options, parts))
}

async function serve(options: ServeOptions, parts: Parts): Promise<void> {
  const roles = rolesOf(options.role)
  if (options.child && roles[0]) return serveChild(roles[0], parts)
  const signals = stopSignals()
  const config = configOf(withListening(options), parts)
  const log = parts.log(config.log.level, options.role ?? 'serve')
  using _lock = await lockRoles(config.dataDir, roles)
  await prepare(config, options, parts, log)
  if (options.role === undefined) await serveParent({ ...parts, config, log }, signals)
  else await serveRoles(roles, { config, log, roles: parts.roles }, signals)
  log.info('stopped')
}

function rolesOf(name: string | undefined): readonly Role[] {
  if (name === undefined || name === 'all') return ROLES
  const roles = ROLES.filter((role) => role === name)
  if (roles.length > 0) return roles
  throw new Fault('invalid', `serve --role ${name}`, { hint: 'A role is api, worker or all.' })
}

function withListening(options: ServeOptions): ConfigOptions {
  const host = options.host === undefined ? [] : [`api.host=${options.host}`]
  const port = options.port === undefined ? [] : [`api.port=${options.port}`]
  return { ...options, set: [...options.set, ...host, ...port] }
}

/** Brings the catalog up to this version, and tells how to make the first key when there is none. */
async function prepare(config: Config, options: ServeOptions, parts: Parts, log: Log): Promise<void> {
  const keys = await withCatalog(config, parts, (catalog) => catalog.keys())
  if (keys.length > 0) return
  log.warn({ command: keyCommand(config, options) }, 'no access key: every call is refused until one is made')
}

/** The command that makes a key in the catalog that this configuration names, also when its environment is gone. */
function keyCommand(config: Config, options: ServeOptions): string {
  const words = ['holdfast', 'keys', 'add', '--local']
  if (options.config !== undefined) words.push('--config', options.config)
  words.push('--data-dir', config.dataDir)
  for (const text of options.set.filter((one) => /^(keyFile|catalog\.)/.test(one))) words.push('--set', text)
  return words
    .map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ')
}
