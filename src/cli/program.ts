import { Command, CommanderError } from 'commander'
import about from '../../package.json' with { type: 'json' }
import { Fault } from '../core/fault.ts'
import { exitCodeOf, printFailure } from './io.ts'
import type { Parts } from './parts.ts'

/** Runs the command that `argv` (without the program's own name) names, and gives the process's exit code. */
export async function runProgram(argv: readonly string[], parts: Parts): Promise<number> {
  const program = await createProgram(argv, parts)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has printed what was wrong already, or the help that was asked for.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : exitCodeOf(new Fault('invalid', error.message))
    printFailure(error, parts.io.err)
    return exitCodeOf(error)
  }
}

/**
 * Every first word of a command, in the order of the help, and what adds the commands that begin with it. They are loaded when they
 * are asked for: a command shall not wait for what it does not use.
 */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, parts: Parts) => void>>> = {
  serve: async () => (await import('./local/serve-command.ts')).addServe,
  config: async () => (await import('./local/config-commands.ts')).addConfig,
  catalog: async () => (await import('./local/catalog-commands.ts')).addCatalog,
  encryption: async () => (await import('./local/encryption-commands.ts')).addEncryption,
  instances: async () => (await import('./remote/instances-commands.ts')).addInstances,
  backups: async () => (await import('./remote/backups-commands.ts')).addBackups,
  tasks: async () => (await import('./remote/tasks-commands.ts')).addTasks,
  service: async () => (await import('./remote/service-commands.ts')).addService,
  policies: async () => (await import('./remote/policies-commands.ts')).addPolicies,
  keys: async () => (await import('./remote/keys-commands.ts')).addKeys,
  alerts: async () => (await import('./remote/alerts-commands.ts')).addAlerts,
  audit: async () => (await import('./remote/audit-commands.ts')).addAudit,
  call: async () => (await import('./remote/call.ts')).addCall,
}

/** The commands that begin with the first word of `argv`; all of them when none does: then help is wanted, or needed. */
async function createProgram(argv: readonly string[], parts: Parts): Promise<Command> {
  const { out, err } = parts.io
  const program = new Command('holdfast')
    .description('Backs databases up, lists, restores and proves the sets.')
    .version(about.version, '-V, --version', 'print the version of this program')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .showHelpAfterError("hint: 'holdfast help COMMAND' shows what it takes")
  const asked = Object.entries(COMMANDS).filter(([word]) => word === argv[0])
  for (const [, load] of asked.length > 0 ? asked : Object.entries(COMMANDS)) (await load())(program, parts)
  return program
}
