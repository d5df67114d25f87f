import type { NodeAddress } from '../../src/core/instance.ts'
import type { Random } from './random.ts'
import { killRound, stepsOf, stopRound, stoppableSteps } from './rounds-of-steps.ts'
import { SCENE_KINDS, type SceneKind, type SceneOptions } from './scene.ts'
import { ASKED, type Asked, HURTS, type RoundResult, serviceRound } from './service-rounds.ts'
import type { ServiceWorld } from './service-world.ts'

/** A round that was done. */
export interface Done extends RoundResult {
  /** How it was hurt, for the counts. */
  readonly hurt: string
  /** What to say of it when something is wrong. */
  readonly name: string
}

const CONTENT_BYTES = [0, 1, 60_000, 3_000_000] as const

/** Rounds at exact steps: their scenes are run once undisturbed, to know the steps. */
export function stepRounds(random: Random, address?: NodeAddress): () => Promise<Done> {
  const known = new Map<string, readonly string[]>()
  const learn = async (options: SceneOptions) => {
    const key = `${options.kind} ${options.contentBytes} ${options.address ? 'postgres' : 'fake'}`
    const steps = known.get(key) ?? (await stepsOf(options))
    known.set(key, steps)
    return steps
  }
  return async () => {
    const options = optionsOf(random, address)
    const steps = await learn(options)
    const hurt = random.pick(['kill at a step', 'kill at a step, twice', 'stop at a step', 'stop at a step, sweep'])
    const stops = hurt.startsWith('stop')
    const at = stops ? random.pick(stoppableSteps(steps)) : random.below(steps.length)
    const again = hurt.endsWith('twice') ? random.below(steps.length) : undefined
    const round = stops
      ? await stopRound(options, at, { sweeps: hurt.endsWith('sweep') })
      : await killRound(options, at, again)
    const engine = options.address ? 'PostgreSQL' : `${options.contentBytes} bytes`
    const name = `${hurt}: ${options.kind} of ${engine}, step ${at} (${steps[at]})${again === undefined ? '' : `, then ${again}`}`
    return { hurt, name, place: `${options.kind}: ${kindOf(steps[at])}`, violations: round.violations }
  }
}

/** Every tenth round takes its bytes of a real PostgreSQL. */
function optionsOf(random: Random, address: NodeAddress | undefined): SceneOptions {
  const contentBytes = random.pick(CONTENT_BYTES)
  if (address && random.below(10) === 0)
    return { kind: random.pick<SceneKind>(['backup', 'adopt']), contentBytes, address }
  return { kind: random.pick(SCENE_KINDS), contentBytes }
}

/** A step without its names. */
const kindOf = (step = 'none'): string => step.split(' ').slice(0, 2).join(' ')

const NEW_PARENT_EVERY = 4

/** Rounds with the real service, at moments that chance chooses. */
export function serviceRounds(random: Random, world: ServiceWorld, instanceId: string): () => Promise<Done> {
  let count = 0
  return async () => {
    const asked = random.pick<Asked>([...ASKED, 'CreateBackup', 'CreateBackup'])
    // A new parent starts its children without the back-off that their deaths have earned them.
    const hurt = count % NEW_PARENT_EVERY === 0 ? 'kill parent' : random.pick(HURTS)
    // A call to the API is over in some milliseconds; a task takes up to a second.
    const delayMs = hurt.includes('api') ? random.below(30) : random.below(900)
    const name = `round-${count++}`
    const result = await serviceRound(world, { asked, hurt, delayMs, instanceId, name })
    return { ...result, hurt, name: `${hurt} ${delayMs} ms after ${asked}` }
  }
}
