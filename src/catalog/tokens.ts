import type { Moment } from '../lib/clock.ts'
import type { Deps } from './database.ts'

/** What a client token was used for, and what the call was answered. */
export interface UsedToken {
  /** Of the parameters of the call that used it. */
  readonly digest: string
  readonly reply: Readonly<Record<string, unknown>>
}

/** Client tokens, with which a call may be repeated without being done twice. They are used by changes themselves: see `Once`. */
export interface TokenCatalog {
  /** Undefined when no call of the key used it for this action, or its time has ended at `at`. */
  usedToken(keyId: string, action: string, token: string, at: Moment): Promise<UsedToken | undefined>
}

export const tokenMethods = ({ database }: Deps): TokenCatalog => ({
  usedToken: async (keyId, action, token, at) => {
    const row = await database.read((db) =>
      db
        .selectFrom('client_tokens')
        .select(['digest', 'reply'])
        .where('key_id', '=', keyId)
        .where('action', '=', action)
        .where('token', '=', token)
        .where('expires_at', '>', at)
        .executeTakeFirst(),
    )
    return row && { digest: row.digest, reply: JSON.parse(row.reply || '{}') as UsedToken['reply'] }
  },
})
