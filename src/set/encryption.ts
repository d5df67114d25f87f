import type { SetEncryption } from '../core/manifest.ts'
import { fingerprintOf, type Identity } from '../lib/age.ts'

/** Whom new sets are encrypted to, and what opens those that there are. */
export interface Encryption {
  /** Recipients of age, `age1…`. None: new sets are not encrypted. */
  readonly recipients: readonly string[]
  /** What the service itself can open sets with: none in escrow. */
  readonly identities: readonly Identity[]
}

/** A service that neither encrypts nor can open anything. */
export const NO_ENCRYPTION: Encryption = { recipients: [], identities: [] }

/** What the manifest of a set says that is encrypted so; undefined for one that is not. */
export function encryptionFacts({ recipients, identities }: Encryption): SetEncryption | undefined {
  if (recipients.length === 0) return undefined
  const fingerprints = recipients.map(fingerprintOf).toSorted()
  const held = identities.some(({ fingerprint }) => fingerprints.includes(fingerprint))
  return { format: 'age', mode: held ? 'held' : 'escrow', recipients: fingerprints }
}

/** Whether two sets are encrypted to the same recipients, or neither is: only then one may add to the other. */
export const sameRecipients = (one: SetEncryption | undefined, other: SetEncryption | undefined): boolean =>
  String(one?.recipients.toSorted()) === String(other?.recipients.toSorted())

/** Whether one of the identities opens a set that is encrypted so. One that is not needs none. */
export const opens = (identities: readonly Identity[], encryption: SetEncryption | undefined): boolean =>
  encryption === undefined || identities.some(({ fingerprint }) => encryption.recipients.includes(fingerprint))
