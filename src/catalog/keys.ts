import type { Selectable } from 'kysely'
import { ALL_RIGHTS, type KeyRights } from '../core/access-key.ts'
import { Fault } from '../core/fault.ts'
import type { Moment } from '../lib/clock.ts'
import type { Sealer } from '../lib/seal.ts'
import type { LocalChange, Once } from './catalog.ts'
import type { Deps } from './database.ts'
import { openSealed } from './key-check.ts'
import { spend } from './once.ts'
import type { AccessKeysTable } from './tables.ts'

/** An access key without its secret. */
export interface AccessKey extends Partial<KeyRights> {
  readonly id: string
  readonly description: string
  readonly createdAt: Moment
  /** Until when the secret before the last rotation signs too; absent when none does. */
  readonly oldSecretUntil?: Moment
}

/** What the front door asks of a key. */
export interface SigningKey extends KeyRights {
  readonly secret: string
  /** The secret before the last rotation. */
  readonly oldSecret: string | undefined
  readonly oldSecretUntil: Moment
}

/** A key as it is moved from catalog to catalog. */
export type MovedKey = AccessKey & { readonly secret: string; readonly oldSecret?: string }

export type KeyChange = Partial<KeyRights> & { readonly description?: string }

/** Access keys. A role and limits that are absent are those of `ALL_RIGHTS`. */
export interface KeyCatalog {
  /** The secret is given once, here by the caller, and opened only by `signingKey`. Fault 'conflict' when the id is taken. */
  addKey(key: AccessKey, secret: string, once?: Once | LocalChange): Promise<void>
  keys(): Promise<AccessKey[]>
  signingKey(id: string): Promise<SigningKey | undefined>
  /** Changes what is named; a limit that is named as undefined is lifted. */
  changeKey(id: string, change: KeyChange, once?: Once): Promise<void>
  /** Gives a key another secret; the one it has signs too until `oldUntil`. */
  rotateKey(id: string, secret: string, oldUntil: Moment, once?: Once): Promise<void>
  removeKey(id: string, once?: Once): Promise<void>
  /** Spends a call, and audits it, that changes nothing else in the catalog: so that it is done once all the same. */
  spendCall(once: Once): Promise<void>
}

const SIGNING =
  'select role, instances, sources, expires_at, secret, old_secret, old_until from access_keys where id = ?'
/** Opened secrets kept by their sealed text, so that a call does not decrypt anew what the last one did. */
const MOST_OPENED = 1000

/** What a key's secret is sealed for. */
export const secretOf = (id: string): string => `access_keys/${id}/secret`

export const keyMethods = (deps: Deps): KeyCatalog => ({ ...keyReaders(deps), ...keyMakers(deps), ...keyChanges(deps) })

function keyReaders({ database, sealer }: Deps): Pick<KeyCatalog, 'keys' | 'signingKey'> {
  const open = openerOf(sealer)
  return {
    keys: async () => {
      const rows = await database.read((db) =>
        db.selectFrom('access_keys').selectAll().orderBy('created_at').orderBy('id').execute(),
      )
      return rows.map(keyOf)
    },

    signingKey: async (id) => {
      const [row] = await database.ask({ sql: SIGNING, values: [id] })
      if (!row) return undefined
      const found = row as unknown as Selectable<AccessKeysTable>
      return {
        ...rightsOf(found),
        secret: open(id, found.secret),
        oldSecret: found.old_secret === null ? undefined : open(id, found.old_secret),
        oldSecretUntil: found.old_until ?? 0,
      }
    },
  }
}

const keyMakers = ({ database, sealer }: Deps): Pick<KeyCatalog, 'addKey' | 'spendCall'> => ({
  addKey: (key, secret, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const added = await trx
        .insertInto('access_keys')
        .values(keyRow({ ...key, secret }, sealer))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      if (!added) throw new Fault('conflict', `add access key ${key.id}: the id is taken`)
    }),

  spendCall: (once) => database.write((trx) => spend(trx, once)),
})

const keyChanges = ({ database, sealer }: Deps): Pick<KeyCatalog, 'changeKey' | 'rotateKey' | 'removeKey'> => ({
  changeKey: (id, change, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const { role, description } = change
      const row = {
        id,
        ...(role && { role }),
        ...(description !== undefined && { description }),
        ...('instances' in change && { instances: jsonList(change.instances) }),
        ...('sources' in change && { sources: jsonList(change.sources) }),
        ...('expiresAt' in change && { expires_at: change.expiresAt ?? null }),
      }
      const changed = await trx
        .updateTable('access_keys')
        .set(row)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      if (!changed) throw noKey(id)
    }),

  rotateKey: (id, secret, oldUntil, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const rotated = await trx
        .updateTable('access_keys')
        .set((keys) => ({
          old_secret: keys.ref('secret'),
          old_until: oldUntil,
          secret: sealer.seal(secret, secretOf(id)),
        }))
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      if (!rotated) throw noKey(id)
    }),

  removeKey: (id, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const removed = await trx.deleteFrom('access_keys').where('id', '=', id).returning('id').executeTakeFirst()
      if (!removed) throw noKey(id)
    }),
})

const noKey = (id: string) => new Fault('not_found', `no access key ${id}`)

function openerOf(sealer: Sealer): (id: string, sealed: string) => string {
  const opened = new Map<string, string>()
  return (id, sealed) => {
    const known = opened.get(sealed)
    if (known !== undefined) return known
    if (opened.size >= MOST_OPENED) opened.clear()
    const secret = openSealed(sealer, sealed, secretOf(id))
    opened.set(sealed, secret)
    return secret
  }
}

const jsonList = (list: readonly string[] | undefined): string | null =>
  list === undefined ? null : JSON.stringify(list)
const listOf = (text: string | null): readonly string[] | undefined =>
  text === null ? undefined : (JSON.parse(text) as string[])

const rightsOf = (row: Pick<AccessKeysTable, 'role' | 'instances' | 'sources' | 'expires_at'>): KeyRights => ({
  role: row.role,
  instances: listOf(row.instances),
  sources: listOf(row.sources),
  expiresAt: row.expires_at ?? undefined,
})

/** The key of a row. */
export const keyOf = (row: Selectable<AccessKeysTable>): AccessKey => ({
  id: row.id,
  description: row.description,
  createdAt: row.created_at,
  ...rightsOf(row),
  ...(row.old_until !== null && { oldSecretUntil: row.old_until }),
})

/** The row of a key, with its secrets sealed. */
export const keyRow = (key: MovedKey, sealer: Sealer): Selectable<AccessKeysTable> => ({
  id: key.id,
  description: key.description,
  created_at: key.createdAt,
  role: key.role ?? ALL_RIGHTS.role,
  instances: jsonList(key.instances),
  sources: jsonList(key.sources),
  expires_at: key.expiresAt ?? null,
  secret: sealer.seal(key.secret, secretOf(key.id)),
  old_secret: key.oldSecret === undefined ? null : sealer.seal(key.oldSecret, secretOf(key.id)),
  old_until: key.oldSecretUntil ?? null,
})

/** A key with its secrets opened, to be moved. */
export const movedKeyOf = (row: Selectable<AccessKeysTable>, sealer: Sealer): MovedKey => ({
  ...keyOf(row),
  secret: openSealed(sealer, row.secret, secretOf(row.id)),
  ...(row.old_secret !== null && { oldSecret: openSealed(sealer, row.old_secret, secretOf(row.id)) }),
})
