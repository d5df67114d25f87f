import type { Catalog } from '../catalog/catalog.ts'
import type { SetMethod } from '../core/backup-set.ts'
import { chooseNode, type Choice, type NodeState } from '../core/choose-node.ts'
import { Fault } from '../core/fault.ts'
import type { Instance, Node, NodeRole } from '../core/instance.ts'
import type { Engine, Facts } from '../engine/engine.ts'
import { failedNode } from './failed-node.ts'
import type { TaskRun, WorkerDeps } from './task-run.ts'

/** Where a backup's bytes come from. */
export interface Source {
  readonly instance: Instance
  /** With the role that it has now. */
  readonly node: Node
  readonly engine: Engine
  /** Further nodes that would do, the best first. */
  readonly others: readonly Node[]
}

interface Probe extends NodeState {
  readonly facts?: Facts | undefined
  /** The probe's failure as it was thrown. */
  readonly fault?: Fault | undefined
}

/**
 * Probes every node of the task's instance and picks the best for a backup by `method`; the one that failed the last attempt comes last. Roles that
 * changed are noted in the catalog. Fault 'instance_unreachable' when no node will do and one did not answer,
 * 'instance_unready' when all answered; both say why of every node.
 */
export async function pickNode(instanceId: string, method: SetMethod, run: TaskRun, deps: WorkerDeps): Promise<Source> {
  const instance = await deps.catalog.instance(instanceId)
  if (!instance || instance.deregisteredAt !== undefined) throw new Fault('not_found', `no instance ${instanceId}`)
  const engine = deps.engineOf(instance.engine)
  const probes = await Promise.all(instance.nodes.map((node) => probe(engine, node, method, run.signal)))
  run.signal.throwIfAborted()
  await noteRoles(instance, probes, deps.catalog)
  const choice = chooseNode(instance.settings, instance.systemIdentifier, probes)
  const node = choice.candidates.find(({ id }) => id !== failedNode(run.task)) ?? choice.candidates[0]
  if (!node) throw nobody(instance, choice, probes)
  const inRole = (one: Node): Node => ({
    ...one,
    role: probes.find((probed) => probed.node.id === one.id)?.facts?.role ?? one.role,
  })
  const others = choice.candidates.filter(({ id }) => id !== node.id).map(inRole)
  return { instance, node: inRole(node), engine, others }
}

async function probe(engine: Engine, node: Node, method: SetMethod, signal: AbortSignal): Promise<Probe> {
  try {
    const facts = await engine.probe(node.address, { signal })
    const problems = facts.problems.filter((problem) => (problem.method ?? method) === method)
    return { node, facts: { ...facts, problems } }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { node, failure: error.message, fault: error }
  }
}

async function noteRoles(instance: Instance, probes: readonly Probe[], catalog: Catalog): Promise<void> {
  const changed = probes.flatMap(({ node, facts }): [string, NodeRole][] =>
    facts && facts.role !== node.role ? [[node.id, facts.role]] : [],
  )
  if (changed.length > 0) await catalog.updateInstance(instance.id, { roles: Object.fromEntries(changed) })
}

function nobody(instance: Instance, { skipped }: Choice, probes: readonly Probe[]): Fault {
  const reasons = skipped.map(({ node, reason }) => `node ${node.id} (${node.role}): ${reason}`)
  const unreachable = probes.find(({ fault }) => fault)?.fault
  const fixes = probes.flatMap(({ facts }) => facts?.problems ?? []).filter(({ severity }) => severity === 'error')
  return new Fault(
    unreachable ? 'instance_unreachable' : 'instance_unready',
    `choose a node of ${instance.id}: ${reasons.join('; ') || 'it has none'}`,
    { hint: fixes[0]?.fix ?? unreachable?.hint, cause: unreachable },
  )
}
