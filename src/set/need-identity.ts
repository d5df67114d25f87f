import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import type { Identity } from '../lib/age.ts'
import { opens } from './encryption.ts'

/** What is thrown where an encrypted set cannot be read: it names the fingerprints of those who can, and of what was tried. */
export function needIdentity(
  { backupId, encryption }: Pick<Manifest, 'backupId' | 'encryption'>,
  tried: readonly Identity[] = [],
  cause?: unknown,
): Fault {
  const wanted = (encryption?.recipients ?? []).join(', ')
  const given = tried.map(({ fingerprint }) => fingerprint).join(', ')
  const what =
    given === ''
      ? `read set ${backupId}: it is encrypted to ${wanted}, and there is no identity here`
      : `read set ${backupId}: it is encrypted to ${wanted}, and not to ${given}, whose identity was given`
  return new Fault('identity_needed', what, {
    cause,
    hint: 'Restore where an identity of one of them is: holdfast backups restore SET --store URL --identity FILE --to DIR.',
  })
}

/** Fault 'identity_needed' unless the identities open all sets of a chain: asked before anything is written. */
export function requireOpens(chain: readonly Manifest[], identities: readonly Identity[]): void {
  for (const manifest of chain) if (!opens(identities, manifest.encryption)) throw needIdentity(manifest, identities)
}
