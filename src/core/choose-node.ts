import type { InstanceSettings, Node, NodeRole } from './instance.ts'

/** What a choice needs of a probe; an engine's Facts have it. */
export interface ProbedNode {
  readonly role: NodeRole
  readonly systemIdentifier: string
  /** WAL position in bytes. */
  readonly position: bigint
  readonly lag: { readonly seconds: number | undefined; readonly receiving: boolean } | undefined
  readonly problems: readonly { readonly severity: 'error' | 'warning'; readonly what: string }[]
}

/** A node and what its probe gave: facts, or why there are none, in plain words. */
export interface NodeState {
  readonly node: Node
  readonly facts?: ProbedNode | undefined
  readonly failure?: string | undefined
}

export interface Choice {
  /** Nodes to take a backup from, the best first; the next is for when one fails. */
  readonly candidates: readonly Node[]
  /** Every other node, and why not. */
  readonly skipped: readonly { readonly node: Node; readonly reason: string }[]
}

/**
 * Which nodes a backup may be taken from: replicas whose lag is within both limits, least behind first, if they are
 * preferred; then the primary. Roles are those just seen. A node that did not answer, has an error among its problems or
 * is another database cluster is none; nor is a primary when two nodes say they are it, since one of them is out of date.
 */
export function chooseNode(
  settings: InstanceSettings,
  systemIdentifier: string | undefined,
  states: readonly NodeState[],
): Choice {
  const fit = states.map((state) => ({ ...state, reason: unfit(state, systemIdentifier) }))
  const primaries = fit.filter(({ reason, facts }) => reason === undefined && facts?.role === 'primary')
  const primary = primaries.length === 1 ? primaries[0]?.facts : undefined
  const judged = fit.map((state) => ({
    ...state,
    reason: state.reason ?? unwanted(settings, state, primaries, primary),
  }))
  const usable = judged.filter(({ reason }) => reason === undefined)
  return {
    candidates: usable.toSorted((a, b) => order(a.facts, b.facts)).map(({ node }) => node),
    skipped: judged.flatMap(({ node, reason }) => (reason === undefined ? [] : [{ node, reason }])),
  }
}

/** Bytes that a replica is behind its primary; none when it went ahead between the two probes. */
export function lagBytes(primary: bigint, replayed: bigint): number {
  return primary > replayed ? Number(primary - replayed) : 0
}

function unfit({ facts, failure }: NodeState, systemIdentifier: string | undefined): string | undefined {
  if (!facts) return failure ?? 'it was not probed'
  if (systemIdentifier !== undefined && facts.systemIdentifier !== systemIdentifier) {
    return `it is another database cluster: system identifier ${facts.systemIdentifier} instead of ${systemIdentifier}`
  }
  return facts.problems.find(({ severity }) => severity === 'error')?.what
}

function unwanted(
  settings: InstanceSettings,
  { node, facts }: NodeState,
  primaries: readonly NodeState[],
  primary: ProbedNode | undefined,
): string | undefined {
  if (facts?.role !== 'replica') {
    const others = primaries.filter((other) => other.node.id !== node.id).map((other) => other.node.id)
    return others.length === 0 ? undefined : `node ${others.join(', ')} says that it is the primary, too`
  }
  if (!settings.preferReplica) return 'replicas are not preferred'
  return tooFarBehind(settings, facts, primary)
}

function tooFarBehind(
  settings: InstanceSettings,
  { lag, position }: ProbedNode,
  primary: ProbedNode | undefined,
): string | undefined {
  const { maxLagBytes, maxLagSeconds, whenLagUnknown } = settings
  const bytes = primary && lagBytes(primary.position, position)
  const seconds = lag?.seconds
  if (bytes !== undefined && bytes > maxLagBytes) return `it is ${bytes} bytes behind, ${maxLagBytes} are allowed`
  if (seconds !== undefined && seconds > maxLagSeconds) {
    return `it is ${Math.round(seconds)} s behind, ${maxLagSeconds} are allowed`
  }
  if (whenLagUnknown === 'use') return undefined
  if (bytes === undefined) return 'how far it is behind is unknown, since no primary answered'
  if (seconds === undefined) return 'how long it is behind is unknown'
  return undefined
}

/** Replicas before the primary, the furthest ahead first. */
function order(a: ProbedNode | undefined, b: ProbedNode | undefined): number {
  if (!a || !b || a.role !== b.role) return a?.role === 'replica' ? -1 : 1
  return a.position === b.position ? 0 : a.position > b.position ? -1 : 1
}
