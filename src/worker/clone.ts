import { Fault } from '../core/fault.ts'
import type { Instance, NodeAddress } from '../core/instance.ts'
import type { Manifest } from '../core/manifest.ts'
import { DEFAULT_POLICY } from '../core/policy.ts'
import type { Engine } from '../engine/engine.ts'
import { NO_ENCRYPTION } from '../set/encryption.ts'
import { writeInstanceRecord } from '../set/instance-record.ts'
import { requireOpens } from '../set/need-identity.ts'
import { openSet } from '../set/read.ts'
import { clonePlace, type Cloned } from './clone-place.ts'
import { restorePercent } from './restore.ts'
import { chainOf, manifestIn, storedSet } from './stored-set.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

/**
 * Makes a new instance of a set: restores it into a place of this attempt, starts a server there that outlives us, and registers
 * it. An attempt that comes to nothing leaves nothing behind; what a killed worker leaves, keepClones removes.
 */
export const clone: Story = async (run, deps) => {
  const { clones } = deps
  if (clones === undefined) throw new Fault('unsupported', 'clone: this worker has no clones.directory')
  const manifests = await chainOfTask(run, deps)
  requireOpens(manifests, (deps.encryption ?? NO_ENCRYPTION).identities)
  const last = manifests.at(-1)
  if (last === undefined) throw new Fault('not_found', 'clone: an empty chain')
  const engine = deps.engineOf(last.instance.engine)
  const directory = await clonePlace(run.task, clones)
  const made = await started(directory, manifests, engine, run, deps).catch(async (error: unknown) => {
    await engine.clear(directory).catch((cause: unknown) => {
      deps.log.error({ err: cause, directory }, 'what a clone left is not removed yet')
    })
    throw error
  })
  // Whatever becomes of this transaction, the catalog knows it and we may not: from here on keepClones judges the place.
  await register(made, last, run, deps)
}

async function chainOfTask(run: TaskRun, deps: WorkerDeps): Promise<readonly Manifest[]> {
  const { set } = await storedSet(deps.catalog, run.task)
  const chain = await chainOf(deps.catalog, set)
  return Promise.all(chain.map((one) => manifestIn(one, set.id, deps, run.signal)))
}

interface Made {
  readonly cloned: Cloned
  readonly address: NodeAddress
  /** That of the database that runs; undefined when it does not let us in. */
  readonly systemIdentifier: string | undefined
}

async function started(
  directory: string,
  manifests: readonly Manifest[],
  engine: Engine,
  run: TaskRun,
  { store, catalog, restore, encryption: { identities } = NO_ENCRYPTION }: WorkerDeps,
): Promise<Made> {
  const { owner, binDirs } = restore
  const restored = await engine.restore(
    { directory, owner },
    manifests.map((manifest) => openSet(store, manifest, identities)),
    { binDirs },
    { signal: run.signal, onProgress: (progress) => run.report(restorePercent(progress)) },
  )
  await run.renew()
  const { warnings } = await engine.start(restored, { owner, signal: run.signal })
  const source = await catalog.instance(manifests[0]?.instance.id ?? '')
  const address = addressOf(restored.port, source, restored.superuser)
  const { refused, systemIdentifier } = await asked(engine, address, run.signal)
  await run.renew()
  return {
    cloned: { ...restored, directory, warnings: [...restored.warnings, ...warnings, ...refused] },
    address,
    systemIdentifier,
  }
}

/** As whom we come to the source we come to the clone, which has the same roles. It listens on loopback only. */
function addressOf(port: number, source: Instance | undefined, superuser: string): NodeAddress {
  const from = source?.nodes.find(({ role }) => role === 'primary') ?? source?.nodes[0]
  return {
    host: '127.0.0.1',
    port,
    user: from?.address.user ?? superuser,
    password: from?.address.password,
    database: from?.address.database,
    sslMode: 'prefer',
  }
}

/** What keeps the clone from being backed up, as warnings: most often a password that was changed since the set was taken. */
async function asked(engine: Engine, address: NodeAddress, signal: AbortSignal) {
  try {
    const { problems, systemIdentifier } = await engine.probe(address, { signal })
    const wrong = problems.filter(({ severity }) => severity === 'error')
    return { refused: wrong.map(({ what, fix }) => `${what}. ${fix}`), systemIdentifier }
  } catch (error) {
    if (!Fault.is(error) || signal.aborted) throw error
    const why =
      `the clone runs, but cannot be backed up: ${error.message}. ` +
      'Its roles have the passwords of the set: give its node the right one with ModifyDBInstanceNodes.'
    return { refused: [why], systemIdentifier: undefined }
  }
}

async function register(
  { cloned, address, systemIdentifier }: Made,
  manifest: Manifest,
  run: TaskRun,
  deps: WorkerDeps,
): Promise<void> {
  const { catalog, clock, store, log } = deps
  const commit = {
    instanceId: run.task.instanceId ?? '',
    engineVersion: manifest.instance.engineVersion,
    // A clone of a physical set is the database of its source; that of a logical one is new.
    systemIdentifier: manifest.postgres?.systemIdentifier ?? systemIdentifier,
    node: { role: 'primary', address },
    policy: DEFAULT_POLICY,
    at: clock.now(),
  } as const
  const instance = await catalog.commitClone(run.lease, commit, cloned)
  log.info({ instance: instance.id, directory: cloned.directory, port: cloned.port }, 'clone runs')
  await writeInstanceRecord(store, instance).catch((error: unknown) => {
    log.warn({ err: error, instance: instance.id }, 'record of a clone not written: the next sweep writes it')
  })
}
