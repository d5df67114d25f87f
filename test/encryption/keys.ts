import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fingerprintOf } from '../../src/lib/age.ts'

const run = promisify(execFile)

/** An identity that Debian's `age-keygen` made, in a file of mode 0600. */
export interface KeyPair {
  readonly file: string
  readonly recipient: string
  readonly fingerprint: string
}

/** A new identity in `directory`. */
export async function makeKey(directory: string, name: string): Promise<KeyPair> {
  const file = join(directory, `${name}.key`)
  await run('age-keygen', ['-o', file])
  const recipient = (await run('age-keygen', ['-y', file])).stdout.trim()
  return { file, recipient, fingerprint: fingerprintOf(recipient) }
}

/** What Debian's `age` makes of an encrypted file. */
export async function ageOpens(file: string, { file: identity }: KeyPair): Promise<Buffer> {
  const { stdout } = await run('age', ['-d', '-i', identity, file], { encoding: 'buffer', maxBuffer: 1 << 28 })
  return stdout
}
