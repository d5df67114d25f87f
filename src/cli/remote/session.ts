import type { Command } from 'commander'
import { loadClientSettings, type ClientFlags } from '../../config/client.ts'
import type { Parts } from '../parts.ts'
import { createClient, type Client } from './client.ts'

/** Options that every command has which calls a service. */
export interface RemoteOptions extends ClientFlags {
  readonly json?: boolean | undefined
  readonly utc?: boolean | undefined
}

/** Adds `--endpoint`, `--access-key-id`, `--access-key-secret-file`, `--json` and `--utc`. */
export const withRemoteOptions = (command: Command): Command =>
  command
    .option('--endpoint <url>', 'where the service answers; HOLDFAST_ENDPOINT')
    .option('--access-key-id <id>', 'access key; HOLDFAST_ACCESS_KEY_ID')
    .option('--access-key-secret-file <file>', 'file with its secret; HOLDFAST_ACCESS_KEY_SECRET_FILE')
    .option('--json', 'print JSON, the stable form for programs')
    .option('--utc', 'show times in UTC instead of local time')

/** A client made of what options, environment and the client's file say. */
export const clientOf = (options: RemoteOptions, { env, clock }: Parts): Client =>
  createClient(loadClientSettings(options, env), clock)

/** Prints a value as JSON of two blanks of indent. */
export function printJson(value: unknown, { io }: Parts): void {
  io.out.write(`${JSON.stringify(value, null, 2)}\n`)
}
