import type { Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Once } from './catalog.ts'
import type { Tables } from './tables.ts'

/** Spends the nonce of a call in the transaction of its change: Fault 'replayed' when it was spent before. */
export async function spend(trx: Transaction<Tables>, once: Once | undefined): Promise<void> {
  if (!once) return
  const spent = await trx
    .insertInto('nonces')
    .values({ key_id: once.keyId, nonce: once.nonce, expires_at: once.expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('nonce')
    .executeTakeFirst()
  if (!spent) throw new Fault('replayed', 'do what a signed call asks: its nonce was used before')
}
