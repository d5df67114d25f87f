import { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { DEFAULT_SETTINGS, type Instance } from '../../core/instance.ts'
import { DEFAULT_POLICY } from '../../core/policy.ts'
import { writeInstanceRecord } from '../../set/instance-record.ts'
import type { Store } from '../../store/store.ts'
import { defineAction } from '../action.ts'
import { nodeItem, renderNode } from '../instance-item.ts'
import { engineKind, engineName } from '../names.ts'
import { nodeInputs, probeNodes, problemItem, renderProblems, requireOneDatabase, requireReady } from '../nodes.ts'
import { randomInstanceId } from '../new-instance-id.ts'
import { flag, instanceId, jsonText, oneOf, text } from '../parameters.ts'

/** Takes a database that already runs under our care. */
export const registerDBInstance = defineAction({
  name: 'RegisterDBInstance',
  about:
    'Registers a database that already runs. Every node is asked who it is: roles, version and identity are what they say, not what is claimed.',
  extension: true,
  mutates: true,
  role: 'admin',
  parameters: {
    DBInstanceId: { codec: instanceId, about: 'The id to give it. Default: pgm- and 17 random characters.' },
    DBInstanceDescription: { codec: text({ max: 256 }), default: '', about: 'A name for people.' },
    Engine: { codec: oneOf(['PostgreSQL']), default: 'PostgreSQL', about: 'PostgreSQL.' },
    Node: {
      codec: jsonText(nodeInputs),
      required: true,
      secret: true,
      flattened: true,
      about:
        'Its nodes, 1 to 16: Node.N.Host, Node.N.Port (5432), Node.N.User, Node.N.Password, Node.N.Database (postgres), Node.N.SslMode (prefer), Node.N.SslRootCert (PEM), Node.N.Role (Master or Slave, used only when the node does not answer).',
    },
    PreferReplica: { codec: flag, default: false, about: 'Take backups from a replica whose lag allows it.' },
    AllowUnready: {
      codec: flag,
      default: false,
      about: 'Register although nodes do not answer or lack something. At least one must answer.',
    },
  },
  errors: ['DBInstanceUnready', 'DBInstanceMismatch'],
  faults: {
    conflict: 'DBInstanceExists',
    replayed: 'SignatureNonceUsed',
    store_unavailable: 'ServiceUnavailable',
    store_full: 'ServiceUnavailable',
  },
  reply: z.object({
    DBInstanceId: z.string(),
    Engine: z.string(),
    EngineVersion: z.string(),
    SystemIdentifier: z.string(),
    Nodes: z.object({ Node: z.array(nodeItem) }),
    Problems: z.object({ Problem: z.array(problemItem) }).describe('What would be better otherwise.'),
  }),

  async handle(values, { catalog, store, clock, engineOf, once, signal }) {
    const engine = engineKind(values.Engine) ?? 'postgres'
    const nodes = await probeNodes(engineOf(engine), values.Node, signal)
    if (!values.AllowUnready) requireReady(nodes)
    const identity = requireOneDatabase(nodes)
    const instance = await catalog.addInstance(
      {
        id: values.DBInstanceId ?? randomInstanceId(),
        engine,
        ...identity,
        description: values.DBInstanceDescription,
        settings: { ...DEFAULT_SETTINGS, preferReplica: values.PreferReplica },
        createdAt: clock.now(),
        nodes: nodes.map(({ role, address }) => ({ role, address })),
        policy: DEFAULT_POLICY,
      },
      once,
    )
    await recordOrUndo(instance, { catalog, store, now: clock.now() })
    return {
      DBInstanceId: instance.id,
      Engine: engineName(instance.engine),
      EngineVersion: instance.engineVersion,
      SystemIdentifier: identity.systemIdentifier,
      Nodes: { Node: instance.nodes.map(renderNode) },
      Problems: { Problem: renderProblems(nodes) },
    }
  },
})

/** Writes the record that a rebuild of the catalog needs. An instance without one is not kept: the caller may register it again. */
async function recordOrUndo(
  instance: Instance,
  { catalog, store, now }: { catalog: Catalog; store: Store; now: number },
) {
  try {
    await writeInstanceRecord(store, instance)
  } catch (error) {
    await catalog.deregisterInstance(instance.id, now)
    throw error
  }
}
