import type { Command } from 'commander'
import { Fault } from '../core/fault.ts'
import type { ConfigSources } from '../config/load.ts'
import type { Environment } from '../config/sources.ts'

/** What the options of a local command say about its configuration. */
export interface ConfigOptions {
  readonly config?: string | undefined
  readonly dataDir?: string | undefined
  readonly set: readonly string[]
}

/** Adds `--config`, `--data-dir` and `--set` to a command that works on this machine. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (YAML); HOLDFAST_CONFIG')
    .option('-d, --data-dir <dir>', 'directory of the catalog, the store and the key file')
    .option(
      '--set <path=value>',
      'one setting, such as api.port=8081; may be repeated',
      (text, all: string[]) => [...all, text],
      [],
    )
}

/** Where the configuration of a command comes from. */
export function configSources(options: ConfigOptions, env: Environment): ConfigSources {
  const flags: Record<string, string> = {}
  for (const text of options.set) {
    const at = text.indexOf('=')
    if (at < 1)
      throw new Fault('invalid', `--set ${text}`, { hint: 'Write --set PATH=VALUE, such as --set api.port=8081.' })
    flags[text.slice(0, at)] = text.slice(at + 1)
  }
  if (options.dataDir !== undefined) flags['dataDir'] = options.dataDir
  return { file: options.config ?? env['HOLDFAST_CONFIG'], env, flags }
}
