import { sql } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Once } from './catalog.ts'
import type { Deps } from './database.ts'
import { raiseVersion } from './holds.ts'
import { needNumber } from './ids.ts'
import { spend } from './once.ts'

/** What the catalog knows of download links: which of a set's are no more good. */
export interface LinkCatalog {
  /**
   * Ends every link of a set made until now: its round goes up, and its instance's version with it. Gives the new round. Fault
   * 'not_found' when the instance has no such set, or it is being removed.
   */
  revokeLinks(instanceId: string, setId: string, once?: Once): Promise<number>
}

export const linkMethods = ({ database }: Deps): LinkCatalog => ({
  revokeLinks: (instanceId, setId, once) =>
    database.write(async (trx) => {
      await spend(trx, once)
      const raised = await trx
        .updateTable('sets')
        .set({ link_round: sql<number>`link_round + 1` })
        .where('id', '=', needNumber(setId, 'set'))
        .where('instance_id', '=', instanceId)
        .where('removing', '=', 0)
        .returning('link_round')
        .executeTakeFirst()
      if (!raised) throw new Fault('not_found', `no set ${setId} of instance ${instanceId}`)
      await raiseVersion(trx, instanceId)
      return raised.link_round
    }),
})
