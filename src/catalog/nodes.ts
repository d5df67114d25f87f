import type { Selectable, Transaction } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Node, NodeAddress } from '../core/instance.ts'
import type { Sealer } from '../lib/seal.ts'
import type { NewNode } from './catalog.ts'
import type { Deps } from './database.ts'
import { needNumber, nextId, passIds } from './ids.ts'
import { openSealed } from './key-check.ts'
import type { NodesTable, Tables } from './tables.ts'

const passwordOf = (id: number): string => `nodes/${id}/password`

export function nodeOf(row: Selectable<NodesTable>, sealer: Sealer): Node {
  const address = JSON.parse(row.address) as NodeAddress
  const password = row.password === null ? undefined : openSealed(sealer, row.password, passwordOf(row.id))
  return {
    id: String(row.id),
    instanceId: row.instance_id,
    role: row.role,
    address: password === undefined ? address : { ...address, password },
  }
}

/** The columns of a node's address, its password sealed. */
export const addressRow = (id: number, { password, ...open }: NodeAddress, sealer: Sealer) => ({
  address: JSON.stringify(open),
  password: password === undefined ? null : sealer.seal(password, passwordOf(id)),
})

/** Adds nodes to an instance, each with the id it brings or a fresh one. Fault 'conflict' when the id is another node's. */
export async function addNodes(
  trx: Transaction<Tables>,
  { database, sealer }: Deps,
  instanceId: string,
  nodes: readonly NewNode[],
): Promise<void> {
  for (const { id: given, role, address } of nodes) {
    const id = given === undefined ? await nextId(trx, database) : needNumber(given, 'node')
    await passIds(trx, id)
    const row = { id, instance_id: instanceId, role, ...addressRow(id, address, sealer) }
    const added = await trx
      .insertInto('nodes')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    if (!added) throw new Fault('conflict', `add node ${id} to instance ${instanceId}: the id is taken`)
  }
}

/** Nodes that listen where a former one did get its id back: it is the same server, and its sets name it. */
export function withFormerIds(
  nodes: readonly NewNode[],
  former: readonly Selectable<NodesTable>[],
): readonly NewNode[] {
  const places = new Map(former.map(({ id, address }) => [placeOf(JSON.parse(address) as NodeAddress), String(id)]))
  return nodes.map((node) => {
    const id = node.id ?? places.get(placeOf(node.address))
    // One id for one node, also when two are said to listen at one place.
    places.delete(placeOf(node.address))
    return id === undefined ? node : { ...node, id }
  })
}

const placeOf = ({ host, port }: NodeAddress): string => `${host} ${port}`
