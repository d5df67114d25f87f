import { access } from 'node:fs/promises'
import { Fault } from '../core/fault.ts'
import type { Instance } from '../core/instance.ts'
import { writeInstanceRecord } from '../set/instance-record.ts'
import type { Cloned } from './clone-place.ts'
import type { Story, WorkerDeps } from './task-run.ts'

/**
 * Ends the server of a clone, removes its directory, and deregisters it, in this order: one that was cut short is still registered,
 * and is done again. Its sets stay.
 */
export const release: Story = async (run, deps) => {
  const { catalog, engineOf, clock, store } = deps
  const instance = await catalog.instance(run.task.instanceId ?? '')
  if (!instance) throw new Fault('not_found', `release instance ${run.task.instanceId ?? ''}: it is not there`)
  const { directory } = await cloneOf(instance, deps)
  await needNoBackup(instance, deps)
  // A place that is not there at first was never on this machine; at later attempts we have removed it ourselves.
  if (run.task.attempt === 1) await needPlace(instance, directory)
  await run.renew()
  await engineOf(instance.engine).clear(directory)
  await run.renew()
  const at = clock.now()
  if (instance.deregisteredAt === undefined) await catalog.deregisterInstance(instance.id, at)
  await writeInstanceRecord(store, { ...instance, deregisteredAt: instance.deregisteredAt ?? at })
  await catalog.finishTask(run.lease, { directory })
}

async function cloneOf({ id }: Instance, { catalog }: WorkerDeps): Promise<Cloned> {
  const [made] = await catalog.tasks({ instanceId: id, kind: 'clone', states: ['finished'] })
  if (made) return made.result as Cloned
  throw new Fault('unsupported', `release instance ${id}: it is no clone`, {
    hint: 'DeregisterDBInstance ends the care for it, and touches nothing of its database.',
  })
}

async function needNoBackup({ id }: Instance, { catalog }: WorkerDeps): Promise<void> {
  const [backup] = await catalog.tasks({ instanceId: id, kind: 'take-backup', states: ['waiting', 'running'] })
  if (!backup) return
  throw new Fault('locked', `release instance ${id}: a backup of it has not ended`, {
    hint: `Wait for task ${backup.id}, or cancel it.`,
  })
}

async function needPlace({ id }: Instance, directory: string): Promise<void> {
  await access(directory).catch((cause: unknown) => {
    throw new Fault('not_found', `release instance ${id}: ${directory} is not on this machine`, {
      hint: 'If it was removed by hand, DeregisterDBInstance ends the care for the instance.',
      cause,
    })
  })
}
