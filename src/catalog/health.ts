import { sql } from 'kysely'
import type { Catalog } from './catalog.ts'
import type { Deps } from './database.ts'
import { forgetHolds } from './holds.ts'

type Methods = 'beat' | 'sinceLastBeat' | 'tidy'

/** A worker that has said nothing for so long is gone. The newest beat of all is kept: it says since when none is there. */
const FORGET_BEATS_MS = 3_600_000

/** What is done every few minutes or hours is remembered for a week. */
const FORGET_ROUTINE_MS = 7 * 86_400_000

/** Who is alive, and the clearing away of what is past use. */
export const healthMethods = ({ database }: Deps): Pick<Catalog, Methods> => ({
  beat: async (worker) => {
    await database.write((trx) =>
      trx
        .insertInto('workers')
        .values({ name: worker, beat_at: database.now() })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ beat_at: database.now() }))
        .execute(),
    )
  },

  sinceLastBeat: async () => {
    const row = await database.read((db) =>
      db
        .selectFrom('workers')
        .select(sql<number | null>`${database.now()} - max(beat_at)`.as('since'))
        .executeTakeFirst(),
    )
    return row?.since ?? undefined
  },

  tidy: () =>
    database.write(async (trx) => {
      await trx.deleteFrom('nonces').where('expires_at', '<=', database.now()).execute()
      await trx.deleteFrom('client_tokens').where('expires_at', '<=', database.now()).execute()
      await trx
        .deleteFrom('workers')
        .where('beat_at', '<', sql<number>`${database.now()} - ${FORGET_BEATS_MS}`)
        .where('beat_at', '<', (workers) =>
          workers.selectFrom('workers').select((all) => all.fn.max('beat_at').as('newest')),
        )
        .execute()
      await trx
        .deleteFrom('tasks')
        .where('kind', 'in', ['sweep', 'retain'])
        .where('state', '=', 'finished')
        .where('ended_at', '<', sql<number>`${database.now()} - ${FORGET_ROUTINE_MS}`)
        .execute()
      await forgetHolds(trx, database)
    }),
})
