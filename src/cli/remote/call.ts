import type { Command } from 'commander'
import { z } from 'zod'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

/** `call ACTION key=value…`: any action of the API, its whole reply as JSON. */
export function addCall(program: Command, parts: Parts): void {
  withRemoteOptions(program.command('call <action> [parameters...]'))
    .description(
      "call any action, such as: call DescribeBackups DBInstanceId=pgm-1; 'key=-' reads a value from standard input",
    )
    .action(async (action: string, words: string[], options: RemoteOptions) => {
      const parameters = await readParameters(words, parts)
      refuseFormat(parameters)
      printJson(await clientOf(options, parts).call(action, parameters, z.record(z.string(), z.unknown())), parts)
    })
}

/** Calls are signed as V3, which the service always answers in JSON: another form would be asked for in vain. */
function refuseFormat({ Format }: Readonly<Record<string, string>>): void {
  if (Format === undefined || Format.toUpperCase() === 'JSON') return
  throw new Fault('invalid', `call with Format=${Format}`, { hint: 'This command prints JSON; leave Format out.' })
}

async function readParameters(words: readonly string[], { io }: Parts): Promise<Record<string, string>> {
  const parameters: Record<string, string> = {}
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1) throw new Fault('invalid', `call with ${word}`, { hint: 'Write parameters as KEY=VALUE.' })
    const value = word.slice(at + 1)
    parameters[word.slice(0, at)] =
      value === '-'
        ? (await Array.fromAsync(io.stdin))
            .map(String)
            .join('')
            .replace(/\r?\n$/, '')
        : value
  }
  return parameters
}
