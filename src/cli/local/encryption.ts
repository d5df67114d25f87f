import type { Config } from '../../config/config.ts'
import { readIdentityFile } from '../../config/identity-file.ts'
import { Fault } from '../../core/fault.ts'
import { fingerprintOf } from '../../lib/age.ts'
import { opens, encryptionFacts, type Encryption } from '../../set/encryption.ts'

/**
 * What the settings come to. Fault 'invalid' when the identity file opens nothing that would be encrypted: such a service would be
 * believed to be one that can restore.
 */
export async function openEncryption({ recipients, identityFile }: Config['encryption']): Promise<Encryption> {
  const identities = identityFile === undefined ? [] : await readIdentityFile(identityFile)
  const encryption = { recipients, identities }
  if (identityFile === undefined || opens(identities, encryptionFacts(encryption))) return encryption
  const held = identities.map(({ fingerprint }) => fingerprint).join(', ')
  throw new Fault(
    'invalid',
    `read encryption.identityFile: it holds ${held}, and the recipients are ${recipients.map(fingerprintOf).join(', ')}`,
    { hint: 'Name a file with the identity of one of encryption.recipients, or none.' },
  )
}
