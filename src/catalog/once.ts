import type { Transaction } from 'kysely'
import type { AuditEntry } from '../core/audit.ts'
import { Fault } from '../core/fault.ts'
import type { Task } from '../core/task.ts'
import { insertAudit, noteTasks } from './audit-rows.ts'
import type { LocalChange, Once } from './catalog.ts'
import type { Tables } from './tables.ts'
import { keepReply, takeToken } from './token-rows.ts'

/**
 * What begins every change that somebody asked for, in the change's own transaction: spends the call's nonce (Fault 'replayed' when
 * it was spent before) and its client token (Fault 'repeated'), and writes its audit record, which goes when the change does not hold.
 */
export async function spend(trx: Transaction<Tables>, once: Once | LocalChange | undefined): Promise<void> {
  if (!once) return
  if ('nonce' in once) await spendCall(trx, once)
  if (once.audit) await note(trx, once.audit)
}

/** What ends a change that adds tasks: its audit record names them, and the reply is kept under its client token. */
export async function settle(
  trx: Transaction<Tables>,
  once: Once | LocalChange | undefined,
  tasks: readonly Task[],
): Promise<void> {
  if (once?.audit) await noteTasks(trx, once.audit.requestId, tasks)
  const [task] = tasks
  if (once && 'nonce' in once && once.token && task) await keepReply(trx, once.keyId, once.token, task)
}

async function spendCall(trx: Transaction<Tables>, once: Once): Promise<void> {
  const spent = await trx
    .insertInto('nonces')
    .values({ key_id: once.keyId, nonce: once.nonce, expires_at: once.expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('nonce')
    .executeTakeFirst()
  if (!spent) throw new Fault('replayed', 'do what a signed call asks: its nonce was used before')
  if (once.token) await takeToken(trx, once.keyId, once.token)
}

const note = (trx: Transaction<Tables>, audit: AuditEntry) =>
  insertAudit(trx, { ...audit, outcome: 'done', code: '', taskIds: [], setIds: [] })
