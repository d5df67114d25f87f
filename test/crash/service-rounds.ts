import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Task } from '../../src/core/task.ts'
import { eventually } from '../lib/eventually.ts'
import { LEASE_MS, type ServiceWorld } from './service-world.ts'
import { allSets, violationsOf } from './violations.ts'

/** What the service was asked for when it was hurt. */
export const ASKED = [
  'CreateBackup',
  'DeleteBackup',
  'RegisterDBInstance',
  'VerifyBackup',
  'RestoreBackup',
  'nothing',
] as const
export type Asked = (typeof ASKED)[number]

/** How it was hurt. */
export const HURTS = [
  'kill worker',
  'kill api',
  'kill parent',
  'kill worker twice',
  'kill api and worker',
  'stop worker',
] as const
export type Hurt = (typeof HURTS)[number]

export interface ServiceRound {
  readonly asked: Asked
  readonly hurt: Hurt
  /** Milliseconds from the call to the kill. */
  readonly delayMs: number
  /** What the call is about. */
  readonly instanceId: string
  /** Names what the round makes: no two rounds share it. */
  readonly name: string
}

export interface RoundResult {
  /** What was being done when the kill came. */
  readonly place: string
  readonly violations: readonly string[]
}

const PATIENCE_SECONDS = 60

/** Sets that are kept; older ones are deleted by the rounds that delete. */
const MOST_SETS = 3

/** Asks, hurts, lets the service come to rest, and tells what is wrong then. */
export async function serviceRound(world: ServiceWorld, round: ServiceRound): Promise<RoundResult> {
  const before = await idsOf(world)
  const doomed = round.asked === 'DeleteBackup' ? before.slice(MOST_SETS) : []
  const answer = ask(world, round, before, doomed)
  await wait(round.delayMs)
  const running = await world.catalog.tasks({ states: ['running'] })
  await hurt(world, round.hurt)
  const answered = await answer
  const unrest = await atRest(world).then(
    () => [],
    (error: unknown) => [String(error)],
  )
  const kept = before.filter((id) => !doomed.includes(id))
  const violations = [
    ...unrest,
    ...(await lasting(world, kept)),
    ...(await brokenPromise(world, round, answered, doomed)),
    ...(await startableRuins(world, round)),
  ]
  return { place: placeOf(round, running), violations }
}

/** Registers the instance that the rounds are about. */
export const register = (world: ServiceWorld, id: string): Promise<unknown> =>
  world.call('RegisterDBInstance', { DBInstanceId: id, ...nodeOf(world) })

const nodeOf = ({ address: { host, port, user, password = '', sslMode } }: ServiceWorld) => ({
  'Node.1.Host': host,
  'Node.1.Port': String(port),
  'Node.1.User': user,
  'Node.1.Password': password,
  'Node.1.SslMode': sslMode,
})

/** Success sets, newest first. */
async function idsOf(world: ServiceWorld): Promise<string[]> {
  const sets = await allSets({ catalog: world.catalog, instanceIds: await instancesOf(world) })
  return sets.filter(({ status }) => status === 'Success').map(({ id }) => id)
}

async function instancesOf({ catalog }: ServiceWorld): Promise<string[]> {
  const { items } = await catalog.instances({ registeredOnly: false, offset: 0, limit: 10_000 })
  return items.map(({ id }) => id)
}

/** The reply of the call; undefined when it was cut off or refused. */
function ask(world: ServiceWorld, round: ServiceRound, sets: readonly string[], doomed: readonly string[]) {
  const DBInstanceId = round.instanceId
  const BackupId = sets[0] ?? '1'
  const parameters = {
    CreateBackup: { DBInstanceId },
    DeleteBackup: { DBInstanceId, BackupId: doomed.join(',') || '1' },
    RegisterDBInstance: { DBInstanceId: round.name, ...nodeOf(world) },
    VerifyBackup: { DBInstanceId, BackupId },
    RestoreBackup: { DBInstanceId, BackupId, TargetPath: targetOf(world, round) },
  }
  if (round.asked === 'nothing') return Promise.resolve(undefined)
  return world.call(round.asked, parameters[round.asked]).catch(() => undefined)
}

const targetOf = ({ restoreRoot }: ServiceWorld, { name }: ServiceRound) => join(restoreRoot, name)

async function hurt(world: ServiceWorld, how: Hurt): Promise<void> {
  const signal = async (role: 'api' | 'worker', name: NodeJS.Signals) => {
    const pid = await world.pidOf(role)
    if (pid > 0) process.kill(pid, name)
    return pid
  }
  if (how === 'kill worker' || how === 'kill api and worker') await signal('worker', 'SIGKILL')
  if (how === 'kill api' || how === 'kill api and worker') await signal('api', 'SIGKILL')
  if (how === 'kill parent') await world.killParent()
  if (how === 'kill worker twice') {
    const first = await signal('worker', 'SIGKILL')
    await eventually(async () => ![0, first].includes(await world.pidOf('worker')), 'another worker', PATIENCE_SECONDS)
    await wait(LEASE_MS / 2)
    await signal('worker', 'SIGKILL')
  }
  if (how === 'stop worker') {
    const pid = await signal('worker', 'SIGSTOP')
    await wait(2 * LEASE_MS)
    if (pid > 0) process.kill(pid, 'SIGCONT')
  }
}

/** Resolves when both children live and every task but the sweeps has ended. */
async function atRest(world: ServiceWorld): Promise<void> {
  const isAtRest = async () => {
    const open = await world.catalog.tasks({ states: ['waiting', 'running'] })
    const children = [await world.pidOf('api'), await world.pidOf('worker')]
    return open.every(({ kind }) => kind === 'sweep') && !children.includes(0) && (await answers(world))
  }
  await eventually(isAtRest, 'the end of every task', PATIENCE_SECONDS)
}

const answers = (world: ServiceWorld) =>
  world.call('DescribeRegions', {}).then(
    () => true,
    () => false,
  )

/** What is wrong and stays so, over a few sweeps. Drafts stay for ten leases: they are looked at in the end. */
async function lasting(world: ServiceWorld, kept: readonly string[], ignore = /^draft |\(sweep\)/): Promise<string[]> {
  let wrong: string[] = []
  const none = async () => {
    const instanceIds = await instancesOf(world)
    wrong = (await violationsOf({ ...world, instanceIds, kept })).filter((violation) => !ignore.test(violation))
    return wrong.length === 0
  }
  await eventually(none, 'no violations', PATIENCE_SECONDS / 4).catch(() => undefined)
  return wrong
}

/** What is wrong after all rounds, drafts included. */
export const lastingAfterAll = async (world: ServiceWorld): Promise<string[]> =>
  lasting(world, await idsOf(world), /\(sweep\)/)

/** What an answered call promised and did not keep. */
async function brokenPromise(
  { catalog }: ServiceWorld,
  { asked, name }: ServiceRound,
  answered: unknown,
  doomed: readonly string[],
): Promise<string[]> {
  if (answered === undefined) return []
  if (asked === 'CreateBackup') {
    const task = await catalog.task((answered as { BackupJobId: string }).BackupJobId)
    const set = await catalog.set(task?.setId ?? '')
    return set?.status === 'Success' ? [] : [`task ${task?.id} was promised and is ${task?.state}: ${task?.reason}`]
  }
  if (asked === 'RegisterDBInstance') {
    return (await catalog.instance(name)) ? [] : [`instance ${name} was registered and is not there`]
  }
  const sets = asked === 'DeleteBackup' ? await Promise.all(doomed.map((id) => catalog.set(id))) : []
  return sets.flatMap((set) => (set ? [`set ${set.id} was deleted and is there`] : []))
}

/** A restore that did not finish must have left a target with its marker, or none. */
async function startableRuins(world: ServiceWorld, round: ServiceRound): Promise<string[]> {
  if (round.asked !== 'RestoreBackup' || world.address.host === 'slow') return []
  const target = targetOf(world, round)
  const there = (name: string) =>
    access(join(target, name)).then(
      () => true,
      () => false,
    )
  const tasks = await world.catalog.tasks({ kind: 'restore', states: ['finished'] })
  const finished = tasks.some(({ request }) => (request as { to: string }).to === target)
  const [marked, made] = [await there('HOLDFAST_RESTORE_INCOMPLETE'), await there('data/PG_VERSION')]
  if (finished && marked) return [`restore into ${target} finished and left its marker`]
  return !finished && made && !marked ? [`restore into ${target} did not finish, and what it left starts`] : []
}

/** What the service was doing, in words that add up over rounds. */
function placeOf({ asked }: ServiceRound, running: readonly Task[]): string {
  const doing = running.filter(({ kind }) => kind !== 'sweep').map(({ kind, progress }) => `${kind} ${progress.phase}`)
  if (doing.length > 0) return doing[0] ?? ''
  return running.length > 0 ? 'sweep' : `around ${asked}`
}
