import { z } from 'zod'
import type { NewNode } from '../../catalog/catalog.ts'
import type { Instance, NodeAddress } from '../../core/instance.ts'
import type { Engine } from '../../engine/engine.ts'
import { writeInstanceRecord } from '../../set/instance-record.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { nodeItem, renderNode } from '../instance-item.ts'
import { MOST_NODES, changedAddress, nodeChanges, type NodeChange } from '../node-change.ts'
import {
  type NodeInput,
  type ProbedNode,
  nodeInputs,
  probeKnown,
  probeNodes,
  problemItem,
  renderProblems,
  requireOneDatabase,
  requireReady,
} from '../nodes.ts'
import { flag, instanceId, jsonText, list, nodeId } from '../parameters.ts'
import { requireMade } from '../require.ts'

/** Adds and removes nodes of an instance, and says where and as whom others are asked. */
export const modifyDBInstanceNodes = defineAction({
  name: 'ModifyDBInstanceNodes',
  about:
    'Adds nodes to an instance, removes nodes, and changes where and as whom others are asked, all or nothing. The other nodes keep their HostInstanceID. After a rebuild of the catalog it gives the nodes their passwords again.',
  extension: true,
  mutates: true,
  role: 'admin',
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    AddNode: {
      codec: jsonText(nodeInputs),
      secret: true,
      flattened: true,
      about: 'Nodes to add: AddNode.N.Host and the rest, as Node of RegisterDBInstance.',
    },
    SetNode: {
      codec: jsonText(nodeChanges),
      secret: true,
      flattened: true,
      about:
        'Nodes to change: SetNode.N.HostInstanceID, and what shall be otherwise of Host, Port, User, Password, Database, SslMode and SslRootCert. A password goes nowhere it was not meant for: with another Host, Port, SslMode or SslRootCert it must be given again.',
    },
    RemoveNode: { codec: list(nodeId, { max: MOST_NODES }), about: 'Nodes to remove: their HostInstanceIDs.' },
    AllowUnready: {
      codec: flag,
      default: false,
      about: 'Change it although nodes that are added or changed do not answer or lack something.',
    },
  },
  combine: ({ AddNode, SetNode, RemoveNode }) => requireOneChangeEach(AddNode, SetNode, RemoveNode),
  errors: [
    'InvalidParameterCombination',
    'InvalidDBInstanceName.NotFound',
    'IncorrectDBInstanceState',
    'InvalidParameter',
    'DBInstanceUnready',
    'DBInstanceMismatch',
  ],
  faults: {
    not_found: 'InvalidDBInstanceName.NotFound',
    replayed: 'SignatureNonceUsed',
    conflict: 'ServiceUnavailable',
    store_unavailable: 'ServiceUnavailable',
    store_full: 'ServiceUnavailable',
  },
  reply: z.object({
    DBInstanceId: z.string(),
    Nodes: z.object({ Node: z.array(nodeItem) }),
    Problems: z.object({ Problem: z.array(problemItem) }).describe('What would be better otherwise, on every node.'),
  }),

  async handle(values, { catalog, store, engineOf, once, signal }) {
    const { AddNode = [], SetNode = [], RemoveNode = [] } = values
    const instance = await requireMade(catalog, values.DBInstanceId)
    const addresses = addressesOf(instance, SetNode)
    requireNodes(instance, RemoveNode, AddNode.length)
    const probed = await probeAll(engineOf(instance.engine), { instance, addresses, AddNode, RemoveNode }, signal)
    if (!values.AllowUnready) requireReady([...probed.set, ...probed.added])
    requireSameDatabase(instance, [...probed.kept, ...probed.set, ...probed.added])
    const addNodes: NewNode[] = probed.added.map(({ role, address }) => ({ role, address }))
    const changed = await catalog.updateInstance(instance.id, { addNodes, removeNodes: RemoveNode, addresses }, once)
    await writeInstanceRecord(store, changed)
    return {
      DBInstanceId: changed.id,
      Nodes: { Node: changed.nodes.map(renderNode) },
      Problems: { Problem: renderProblems([...probed.kept, ...probed.set, ...probed.added]) },
    }
  },
})

function requireOneChangeEach(
  added: readonly NodeInput[] = [],
  set: readonly NodeChange[] = [],
  removed: readonly string[] = [],
): void {
  const named = [...set.map(({ HostInstanceID }) => HostInstanceID), ...removed]
  if (added.length + named.length === 0) {
    throw new RdsError('InvalidParameterCombination', 'Name at least one of AddNode, SetNode and RemoveNode.')
  }
  if (new Set(named).size < named.length) {
    throw new RdsError('InvalidParameterCombination', 'SetNode and RemoveNode name a node more than once.')
  }
}

/** The new addresses of nodes that are changed, by id. */
function addressesOf(instance: Instance, changes: readonly NodeChange[]): Readonly<Record<string, NodeAddress>> {
  return Object.fromEntries(
    changes.map((change) => {
      const node = instance.nodes.find(({ id }) => id === change.HostInstanceID)
      if (!node) throw noNode(instance, change.HostInstanceID)
      return [node.id, changedAddress(node.address, change)]
    }),
  )
}

const noNode = ({ id }: Instance, node: string) =>
  new RdsError('InvalidParameter', `The instance ${id} has no node ${node}.`)

/** Refuses nodes that are not there, and an instance of no node or of too many. */
function requireNodes(instance: Instance, removed: readonly string[], added: number): void {
  const stranger = removed.find((id) => !instance.nodes.some((node) => node.id === id))
  if (stranger !== undefined) throw noNode(instance, stranger)
  const count = instance.nodes.length - removed.length + added
  if (count < 1 || count > MOST_NODES) {
    throw new RdsError('InvalidParameter', `An instance has 1 to ${MOST_NODES} nodes, not ${count}.`)
  }
}

interface Wanted {
  readonly instance: Instance
  readonly addresses: Readonly<Record<string, NodeAddress>>
  readonly AddNode: readonly NodeInput[]
  readonly RemoveNode: readonly string[]
}

/** Asks every node that the instance shall have: the others too, since two of them must not both be the primary. */
async function probeAll(engine: Engine, { instance, addresses, AddNode, RemoveNode }: Wanted, signal: AbortSignal) {
  const staying = instance.nodes.filter(({ id }) => !RemoveNode.includes(id))
  const changed = staying.flatMap((node) => {
    const address = addresses[node.id]
    return address ? [{ ...node, address }] : []
  })
  const [kept, set, added] = await Promise.all([
    probeKnown(
      engine,
      staying.filter(({ id }) => !Object.hasOwn(addresses, id)),
      signal,
    ),
    probeKnown(engine, changed, signal),
    probeNodes(engine, AddNode, signal),
  ])
  return { kept, set, added }
}

/** Refuses a node that answers and is of another database than the instance. */
function requireSameDatabase(instance: Instance, probed: readonly ProbedNode[]): void {
  if (!probed.some(({ facts }) => facts)) return
  const { systemIdentifier } = requireOneDatabase(probed)
  if (systemIdentifier === (instance.systemIdentifier ?? systemIdentifier)) return
  throw new RdsError(
    'DBInstanceMismatch',
    `The nodes have the system identifier ${systemIdentifier}, and ${instance.id} has ${instance.systemIdentifier}.`,
  )
}
