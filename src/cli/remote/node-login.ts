import type { Command } from 'commander'
import { Fault } from '../../core/fault.ts'
import type { Parts } from '../parts.ts'
import { readSecret } from '../secret-input.ts'

/** How a node is connected to, as options say it. */
export interface LoginOptions {
  readonly user?: string
  readonly passwordFile?: string
  /** False with `--no-password`. */
  readonly password: boolean
  readonly database?: string
  readonly sslMode?: string
  readonly sslRootCert?: string
}

/** Adds the options that say how a node is connected to, but `--user`, and what `--no-password` means here. */
export const withLoginOptions = (command: Command, noPassword: string): Command =>
  command
    .option('--password-file <file>', "file with the password, '-' for standard input")
    .option('--no-password', noPassword)
    .option('--database <name>', 'database that probes connect to (default: postgres)')
    .option('--ssl-mode <mode>', 'disable, allow, prefer, require, verify-ca or verify-full (default: prefer)')
    .option('--ssl-root-cert <file>', 'PEM file of the authority that verify-ca and verify-full trust')

/** What the options say of a node, the password asked for or read from its file. What is not said is absent. */
export async function readLogin(options: LoginOptions, whom: string, { io }: Parts) {
  const { passwordFile, sslRootCert } = options
  const Password = options.password
    ? await readSecret({ file: passwordFile, prompt: `password of ${whom}`, option: '--password-file' }, io)
    : undefined
  const SslRootCert =
    sslRootCert === undefined
      ? undefined
      : await readSecret({ file: sslRootCert, prompt: 'certificate', option: '--ssl-root-cert' }, io)
  return { User: options.user, Password, Database: options.database, SslMode: options.sslMode, SslRootCert }
}

/** `host`, `host:port`, `[::1]:port`. */
export function splitAddress(text: string): { Host: string; Port?: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|[^:]*(?::[^:]*){2,}))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined)
    throw new Fault('invalid', `the node ${text}`, { hint: 'Write HOST, HOST:PORT or [IPv6]:PORT.' })
  return port === undefined ? { Host: host } : { Host: host, Port: port }
}
