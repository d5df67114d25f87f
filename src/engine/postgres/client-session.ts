import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { Fault, type FaultCode } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Options } from '../../lib/streams.ts'
import type { ProgramOptions } from '../../lib/program.ts'

/** What to do about a failure, by what the program said; undefined when nobody knows. */
export type HintFor = (said: string) => string | undefined

/** What client programs need to come to a node as we do. Disposing it removes what was written for them. */
export interface ClientSession extends AsyncDisposable {
  /** For `readProgram` and `feedProgram`; a failure is a Fault of the code given. */
  options(code: FaultCode, doing: string, hintFor?: HintFor): ProgramOptions
  /** Writes a file that a program is told to read, and gives its path. */
  file(text: string): Promise<string>
}

/**
 * The environment by which libpq connects to a node: our address, user, password and TLS, and nothing that a file or variable of
 * this machine would say.
 *
 * The password is in the environment, which only root and our own user can read, and not in a file, which a killed process would leave
 * behind. Only the certificates to trust are written, into a directory of our own.
 */
export async function openClientSession(address: NodeAddress, { signal }: Options = {}): Promise<ClientSession> {
  const scratch = createScratch()
  try {
    const authorities = authoritiesOf(address)
    const env = environmentOf(address, authorities === undefined ? NOWHERE : await scratch.file(authorities))
    const secrets = address.password === undefined ? [] : [address.password]
    return {
      options: (code, doing, hintFor) => ({
        env,
        secrets,
        signal,
        fail: (message, cause) => new Fault(code, `${doing}: ${message}`, { cause, hint: hintFor?.(message) }),
      }),
      file: (text) => scratch.file(text),
      [Symbol.asyncDispose]: () => scratch.remove(),
    }
  } catch (error) {
    await scratch.remove()
    throw error
  }
}

/** A path that no file can have: what libpq would look for in the home of our user is looked for there. */
const NOWHERE = '/dev/null/none'

/** A directory of our own, made with the first file in it. */
function createScratch() {
  let directory: string | undefined
  return {
    file: async (text: string) => {
      directory ??= await mkdtemp(join(tmpdir(), 'holdfast-client-'))
      const path = join(directory, randomBytes(8).toString('hex'))
      await writeFile(path, text, { mode: 0o600 })
      return path
    },
    remove: async () => {
      if (directory !== undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What verify-ca and verify-full trust when no authority is named: the same as our own connections do. */
function authoritiesOf({ sslMode, sslRootCert }: NodeAddress): string | undefined {
  if (sslRootCert !== undefined) return sslRootCert
  return sslMode.startsWith('verify') ? getCACertificates('default').join('\n') : undefined
}

const environmentOf = (address: NodeAddress, trusted: string): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  // What they say is read by us, and shown: in one language.
  LC_ALL: 'C',
  PGHOST: address.host,
  PGPORT: String(address.port),
  PGUSER: address.user,
  ...(address.password === undefined ? {} : { PGPASSWORD: address.password }),
  PGSSLMODE: address.sslMode,
  PGSSLROOTCERT: trusted,
  PGSSLCERT: NOWHERE,
  PGPASSFILE: NOWHERE,
  PGGSSENCMODE: 'disable',
  PGCONNECT_TIMEOUT: '15',
  PGAPPNAME: 'holdfast',
})

/** A database's name as libpq takes it for `--dbname`: in quotes, so that no name is mistaken for a connection string. */
export const databaseArgument = (name: string): string =>
  `--dbname=dbname='${name.replaceAll(/[\\']/g, (character) => `\\${character}`)}'`
