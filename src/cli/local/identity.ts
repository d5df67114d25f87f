import { identitiesIn } from '../../config/identity-file.ts'
import { Fault } from '../../core/fault.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { Identity } from '../../lib/age.ts'
import { requireOpens } from '../../set/need-identity.ts'
import type { Parts } from '../parts.ts'
import { readSecret } from '../secret-input.ts'

/** The identities in the file that `--identity` names, `-` for standard input; none without it. Fault 'invalid' when it holds none. */
export async function identitiesOf(file: string | undefined, { io }: Parts): Promise<readonly Identity[]> {
  if (file === undefined) return []
  // Neither the message nor a failed look for such a file may repeat it.
  if (/^AGE-SECRET-KEY-/i.test(file)) {
    throw new Fault('invalid', '--identity holds an identity, and not the name of a file', {
      hint: 'Write it into a file of mode 0600. What stands in an argument was seen by every user of this machine: make another one.',
    })
  }
  const text = await readSecret({ file, prompt: 'identity', option: '--identity' }, io)
  return identitiesIn(text, file === '-' ? 'on standard input' : file)
}

/** The same for a chain of sets, which they must open: Fault 'identity_needed' names whose identity is wanted. */
export async function identitiesFor(
  chain: readonly Manifest[],
  file: string | undefined,
  parts: Parts,
): Promise<readonly Identity[]> {
  const identities = await identitiesOf(file, parts)
  requireOpens(chain, identities)
  return identities
}
