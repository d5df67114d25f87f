import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import { SSL_MODES, type Node, type NodeAddress, type NodeRole } from '../core/instance.ts'
import type { Engine, Facts, Problem } from '../engine/engine.ts'
import { RdsError } from './errors.ts'

const PORT = /^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/

/** The fields of an address. Numbers come as digits in the flattened form and as either in JSON text. */
export const nodeFields = {
  Host: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s\0]+$/),
  Port: z.union([z.string(), z.int().transform(String)]).pipe(z.string().regex(PORT)),
  User: z.string().min(1).max(128),
  Password: z.string().min(1).max(1024),
  Database: z.string().min(1).max(128),
  SslMode: z.enum(SSL_MODES),
  SslRootCert: z.string().max(65_536).includes('-----BEGIN CERTIFICATE-----'),
}

/** A node as a caller gives it. */
const nodeInput = z.strictObject({
  ...nodeFields,
  Port: nodeFields.Port.default('5432'),
  Password: nodeFields.Password.optional(),
  Database: nodeFields.Database.optional(),
  SslMode: nodeFields.SslMode.default('prefer'),
  SslRootCert: nodeFields.SslRootCert.optional(),
  Role: z.enum(['Master', 'Slave']).optional(),
})

export const nodeInputs = z.array(nodeInput).min(1).max(16)
export type NodeInput = z.infer<typeof nodeInput>

/** What asking one node came to. */
export interface ProbedNode {
  readonly address: NodeAddress
  /** As the node itself says; as its registrar claims, and else a replica, when it does not answer. */
  readonly role: NodeRole
  readonly facts: Facts | undefined
  readonly problems: readonly Problem[]
}

/** Asks every node at the same time. One that does not answer has no facts, and that as its problem. */
export const probeNodes = (engine: Engine, nodes: readonly NodeInput[], signal: AbortSignal): Promise<ProbedNode[]> =>
  Promise.all(
    nodes.map((node) => probe(engine, addressOf(node), node.Role === 'Master' ? 'primary' : 'replica', signal)),
  )

/** Asks the nodes of a registered instance, in their order. */
export const probeKnown = (engine: Engine, nodes: readonly Node[], signal: AbortSignal): Promise<ProbedNode[]> =>
  Promise.all(nodes.map(({ address, role }) => probe(engine, address, role, signal)))

async function probe(
  engine: Engine,
  address: NodeAddress,
  claimed: NodeRole,
  signal: AbortSignal,
): Promise<ProbedNode> {
  try {
    const facts = await engine.probe(address, { signal })
    return { address, role: facts.role, facts, problems: facts.problems }
  } catch (error) {
    if (!Fault.is(error) || signal.aborted) throw error
    const problem: Problem = {
      severity: 'error',
      what: error.message,
      fix: error.hint ?? 'See that the address is right and that the node listens there.',
    }
    return { address, role: claimed, facts: undefined, problems: [problem] }
  }
}

const addressOf = (node: NodeInput): NodeAddress => ({
  host: node.Host,
  port: Number(node.Port),
  user: node.User,
  password: node.Password,
  database: node.Database,
  sslMode: node.SslMode,
  sslRootCert: node.SslRootCert,
})

const where = ({ address }: ProbedNode) => `${address.host}:${address.port}`

/** Refuses nodes that have a problem of severity error, telling every one of them and what mends it. */
export function requireReady(nodes: readonly ProbedNode[]): void {
  const lines = nodes.flatMap((node) =>
    node.problems
      .filter(({ severity }) => severity === 'error')
      .map(({ what, fix }) => `Node ${where(node)}: ${what}. ${fix}`),
  )
  if (lines.length === 0) return
  throw new RdsError('DBInstanceUnready', `${lines.join(' ')} (AllowUnready=true does it all the same.)`)
}

/** What all nodes of one instance share, from those that answered. Refuses none, two databases, and two primaries. */
export function requireOneDatabase(nodes: readonly ProbedNode[]): { engineVersion: string; systemIdentifier: string } {
  const answered = nodes.flatMap((node) => (node.facts ? [{ node, facts: node.facts }] : []))
  const [first] = answered
  if (first === undefined) {
    throw new RdsError('DBInstanceUnready', 'No node answers, so that its version and identity cannot be known.')
  }
  const { engineVersion, systemIdentifier } = first.facts
  for (const { node, facts } of answered) {
    if (facts.systemIdentifier === systemIdentifier) continue
    throw new RdsError(
      'DBInstanceMismatch',
      `Nodes ${where(first.node)} and ${where(node)} are not of one database: ` +
        `their system identifiers are ${systemIdentifier} and ${facts.systemIdentifier}.`,
    )
  }
  const primaries = answered.filter(({ facts }) => facts.role === 'primary')
  if (primaries.length > 1) {
    const all = primaries.map(({ node }) => where(node)).join(' and ')
    throw new RdsError('DBInstanceMismatch', `${all} all say that they are the primary. An instance has one.`)
  }
  return { engineVersion, systemIdentifier }
}

/** A problem as replies show it. */
export const problemItem = z.object({
  Node: z.string().describe('Host and port.'),
  Severity: z.enum(['error', 'warning']),
  What: z.string(),
  Fix: z.string(),
})

export const renderProblems = (nodes: readonly ProbedNode[]): z.infer<typeof problemItem>[] =>
  nodes.flatMap((node) =>
    node.problems.map(({ severity, what, fix }) => ({ Node: where(node), Severity: severity, What: what, Fix: fix })),
  )
