import { Fault } from '../core/fault.ts'
import type { AccessKey, Catalog } from './catalog.ts'
import type { Deps } from './database.ts'
import { openSealed } from './key-check.ts'
import { spend } from './once.ts'

const SECRET = 'select secret from access_keys where id = ?'
/** Opened secrets kept by their sealed text, so that a call does not decrypt anew what the last one did. */
const MOST_OPENED = 1000

/** What a key's secret is sealed for. */
export const secretOf = (id: string): string => `access_keys/${id}/secret`

export function keyMethods({ database, sealer }: Deps): Pick<Catalog, 'addKey' | 'keys' | 'keySecret' | 'removeKey'> {
  const opened = new Map<string, string>()
  const open = (id: string, sealed: string) => {
    const known = opened.get(sealed)
    if (known !== undefined) return known
    if (opened.size >= MOST_OPENED) opened.clear()
    const secret = openSealed(sealer, sealed, secretOf(id))
    opened.set(sealed, secret)
    return secret
  }
  return {
    addKey: ({ id, description, createdAt }, secret, once) =>
      database.write(async (trx) => {
        await spend(trx, once)
        const added = await trx
          .insertInto('access_keys')
          .values({ id, description, created_at: createdAt, secret: sealer.seal(secret, secretOf(id)) })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst()
        if (!added) throw new Fault('conflict', `add access key ${id}: the id is taken`)
      }),

    keys: async () => {
      const rows = await database.read((db) =>
        db
          .selectFrom('access_keys')
          .select(['id', 'description', 'created_at'])
          .orderBy('created_at')
          .orderBy('id')
          .execute(),
      )
      return rows.map(({ id, description, created_at }): AccessKey => ({ id, description, createdAt: created_at }))
    },

    keySecret: async (id) => {
      const [row] = await database.ask({ sql: SECRET, values: [id] })
      return row && open(id, String(row['secret']))
    },

    removeKey: (id, once) =>
      database.write(async (trx) => {
        await spend(trx, once)
        const removed = await trx.deleteFrom('access_keys').where('id', '=', id).returning('id').executeTakeFirst()
        if (!removed) throw new Fault('not_found', `no access key ${id}`)
      }),
  }
}
