import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { NodeAddress } from '../../core/instance.ts'
import { sqlState } from './ask.ts'

/** What one attempt to connect asks of TLS: none, or with these options. */
export type TlsAttempt = false | ConnectionOptions

/** Encrypted, and anybody may be at the other end. */
const UNVERIFIED: ConnectionOptions = { rejectUnauthorized: false }

/**
 * The attempts that libpq makes for an address's sslmode, in order: `prefer` falls back to plain text, `allow` to TLS.
 * `require` with a certificate authority named verifies against it, as libpq does. A socket in the file system has no TLS.
 */
export function attemptsOf({ host, sslMode, sslRootCert }: NodeAddress): readonly TlsAttempt[] {
  if (host.startsWith('/')) return [false]
  const authority = sslRootCert === undefined ? {} : { ca: sslRootCert }
  const anyName: ConnectionOptions = { ...authority, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  // `pg` leaves an address of numbers out, and Node would then look for `localhost` in the certificate.
  const verified: ConnectionOptions = {
    ...anyName,
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  }
  switch (sslMode) {
    case 'disable':
      return [false]
    case 'allow':
      return [false, UNVERIFIED]
    case 'prefer':
      return [UNVERIFIED, false]
    case 'require':
      return [sslRootCert === undefined ? UNVERIFIED : anyName]
    case 'verify-ca':
      return [anyName]
    case 'verify-full':
      return [verified]
  }
}

/**
 * Whether the other attempt of `allow` or `prefer` may do better: the server has no TLS, or pg_hba.conf has no line for a
 * connection of this kind. A wrong password stays wrong.
 */
export function worthAnother(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return state === '28000'
  return (
    error instanceof Error &&
    /does not support SSL|SSL connection|TLS|ECONNRESET|Connection terminated/i.test(error.message)
  )
}
