import { Fault } from '../core/fault.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database } from './database.ts'

/** What is sealed into every catalog, to know its key file again. */
export const KEY_CHECK = 'catalog'

/** Fault 'invalid' unless the sealer has the key that the catalog was made with. */
export async function checkKey(database: Database, sealer: Sealer): Promise<void> {
  const { key_check } = await database.read((db) =>
    db.selectFrom('about').select('key_check').executeTakeFirstOrThrow(),
  )
  openSealed(sealer, key_check, KEY_CHECK)
}

/** The plain text of a secret in the catalog. Fault 'invalid' when it was sealed with another key file. */
export function openSealed(sealer: Sealer, sealed: string, purpose: string): string {
  try {
    return sealer.open(sealed, purpose)
  } catch (cause) {
    throw new Fault('invalid', `open the secrets of the catalog (${purpose}) with the key file`, {
      cause,
      hint: 'Give back the key file that this catalog was made with: its secrets open with no other.',
    })
  }
}
