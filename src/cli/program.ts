import { Command, CommanderError } from 'commander'
import about from '../../package.json' with { type: 'json' }
import { Fault } from '../core/fault.ts'
import { exitCodeOf, printFailure } from './io.ts'
import { addCatalog } from './local/catalog-commands.ts'
import { addConfig } from './local/config-commands.ts'
import { addEncryption } from './local/encryption-commands.ts'
import { addServe } from './local/serve-command.ts'
import type { Parts } from './parts.ts'
import { addAlerts } from './remote/alerts-commands.ts'
import { addAudit } from './remote/audit-commands.ts'
import { addBackups } from './remote/backups-commands.ts'
import { addCall } from './remote/call.ts'
import { addInstances } from './remote/instances-commands.ts'
import { addKeys } from './remote/keys-commands.ts'
import { addPolicies } from './remote/policies-commands.ts'
import { addService } from './remote/service-commands.ts'
import { addTasks } from './remote/tasks-commands.ts'

/** Runs the command that `argv` (without the program's own name) names, and gives the process's exit code. */
export async function runProgram(argv: readonly string[], parts: Parts): Promise<number> {
  const program = createProgram(parts)
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

/** Every command of `holdfast`. */
function createProgram(parts: Parts): Command {
  const { out, err } = parts.io
  const program = new Command('holdfast')
    .description('Backs databases up, lists, restores and proves the sets.')
    .version(about.version, '-V, --version', 'print the version of this program')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .showHelpAfterError("hint: 'holdfast help COMMAND' shows what it takes")
  addServe(program, parts)
  addConfig(program, parts)
  addCatalog(program, parts)
  addEncryption(program, parts)
  addInstances(program, parts)
  addBackups(program, parts)
  addTasks(program, parts)
  addService(program, parts)
  addPolicies(program, parts)
  addKeys(program, parts)
  addAlerts(program, parts)
  addAudit(program, parts)
  addCall(program, parts)
  return program
}
