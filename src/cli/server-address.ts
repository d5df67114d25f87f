import { Fault } from '../core/fault.ts'
import { SSL_MODES, type NodeAddress, type SslMode } from '../core/instance.ts'
import { readSecret } from './secret-input.ts'
import type { Parts } from './parts.ts'

export interface LoginOfServer {
  readonly passwordFile?: string
  /** False with `--no-password`. */
  readonly password: boolean
}

const FORM = 'Write postgresql://USER@HOST:PORT/DATABASE, with ?sslmode=MODE&sslrootcert=FILE where needed.'

/**
 * The server that a URL names: `postgresql://backup@db.example.com:5432/postgres?sslmode=verify-full&sslrootcert=ca.pem`. The
 * password is asked for or read from a file; one in the URL is refused, since everybody on the machine can read arguments.
 */
export async function serverAddress(text: string, options: LoginOfServer, { io }: Parts): Promise<NodeAddress> {
  const url = parse(text)
  const sslMode = url.searchParams.get('sslmode') ?? 'prefer'
  if (!isSslMode(sslMode))
    throw new Fault('invalid', `--into: sslmode ${sslMode}`, { hint: `One of ${SSL_MODES.join(', ')}.` })
  const rootCert = url.searchParams.get('sslrootcert')
  const user = decodeURIComponent(url.username)
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1')
  if (user === '' || host === '') throw new Fault('invalid', '--into: the URL names no user or no host', { hint: FORM })
  const secret = { file: options.passwordFile, prompt: `password of ${user}`, option: '--password-file' }
  const password = options.password ? await readSecret(secret, io) : undefined
  const certificate = { file: rootCert ?? undefined, prompt: 'certificate', option: 'sslrootcert' }
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    password,
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    sslMode,
    sslRootCert: rootCert === null ? undefined : await readSecret(certificate, io),
  }
}

const isSslMode = (text: string): text is SslMode => SSL_MODES.some((mode) => mode === text)

const KNOWN = ['sslmode', 'sslrootcert', 'host']

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['postgresql:', 'postgres:'].includes(url.protocol)) {
    throw new Fault('invalid', '--into: not the URL of a server', { hint: FORM })
  }
  if (url.password !== '' || url.searchParams.has('password')) {
    throw new Fault('invalid', '--into: the URL holds a password, which everybody on this machine can read', {
      hint: 'Leave it out: it is asked for, or read from --password-file.',
    })
  }
  const unknown = [...url.searchParams.keys()].find((name) => !KNOWN.includes(name))
  if (unknown !== undefined) throw new Fault('invalid', `--into: the URL names ${unknown}`, { hint: FORM })
  return url
}
