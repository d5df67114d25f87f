import { sql, type Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Task } from '../core/task.ts'
import type { TokenUse } from './catalog.ts'
import type { Tables } from './tables.ts'

/** Takes a client token for the change of this transaction. Fault 'repeated' when a change that holds took it and it has not ended. */
export async function takeToken(trx: Transaction<Tables>, keyId: string, use: TokenUse): Promise<void> {
  const { action, token, digest, at, expiresAt } = use
  const taken = await trx
    .insertInto('client_tokens')
    .values({ key_id: keyId, action, token, digest, reply: '', expires_at: expiresAt })
    .onConflict((conflict) =>
      conflict
        .columns(['key_id', 'action', 'token'])
        .doUpdateSet({
          digest: sql`excluded.digest`,
          reply: sql`excluded.reply`,
          expires_at: sql`excluded.expires_at`,
        })
        .where('client_tokens.expires_at', '<=', at),
    )
    .returning('token')
    .executeTakeFirst()
  if (!taken) throw new Fault('repeated', `do ${action} with a client token that was used before`)
}

/** Keeps the reply of a change under its token. */
export async function keepReply(
  trx: Transaction<Tables>,
  keyId: string,
  { action, token, replyOf }: TokenUse,
  task: Task,
): Promise<void> {
  if (!replyOf) throw new Error(`${action} takes a client token and does not say what it answers`)
  await trx
    .updateTable('client_tokens')
    .set({ reply: JSON.stringify(replyOf(task)) })
    .where('key_id', '=', keyId)
    .where('action', '=', action)
    .where('token', '=', token)
    .execute()
}
