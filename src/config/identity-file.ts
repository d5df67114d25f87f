import { readFileSync, statSync } from 'node:fs'
import { Fault } from '../core/fault.ts'
import { parseIdentities, type Identity } from '../lib/age.ts'

/** The identities in a file of mode 0600, as age-keygen writes it. Fault 'forbidden' when others may read it, 'invalid' when it holds none. */
export async function readIdentityFile(path: string): Promise<readonly Identity[]> {
  const problem = identityFileProblem(path)
  if (problem !== undefined) throw new Fault('forbidden', `read the identity file ${path}: ${problem.what}`, problem)
  return identitiesIn(readText(path), path)
}

/** What keeps a file from being used as one, before it is read; undefined for nothing. */
export function identityFileProblem(path: string): { readonly what: string; readonly hint?: string } | undefined {
  const info = statSync(path, { throwIfNoEntry: false })
  if (!info) return { what: `no such file: ${path}` }
  if ((info.mode & 0o077) === 0) return undefined
  const mode = (info.mode & 0o777).toString(8).padStart(4, '0')
  return { what: `mode ${mode} lets others at it`, hint: `Run chmod 600 ${path}.` }
}

/** The identities in the text of such a file; `where` names it. Fault 'invalid', which quotes no line, when it holds none. */
export async function identitiesIn(text: string, where: string): Promise<readonly Identity[]> {
  const identities = await parseIdentities(text)
  if (identities) return identities
  const isSealed = /^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE)/.test(text)
  const isSsh = text.startsWith('-----BEGIN OPENSSH PRIVATE KEY')
  throw new Fault(
    'invalid',
    isSealed
      ? `read the identity file ${where}: it is encrypted itself`
      : `read the identity file ${where}: it holds a line that is no identity, or none`,
    {
      hint: isSealed
        ? `Open it first, by age -d ${where}, and give what comes out on standard input: --identity -.`
        : isSsh
          ? 'Keys of ssh are not taken: make an identity by age-keygen.'
          : 'An identity is a line AGE-SECRET-KEY-1…, as age-keygen writes it.',
    },
  )
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Fault('invalid', `read the identity file ${path}`, { cause, hint: 'Name a file that you may read.' })
  }
}
