import { contentOf, placesOf } from './scene-parts.ts'
import { makeScene, type Scene, type SceneOptions } from './scene.ts'
import { recover, sweepTwice } from './recover.ts'
import { type Ended, runWorkerProcess } from './run-process.ts'
import { allSets, violationsOf } from './violations.ts'

/** One round: what was done to a worker at which step, and what is wrong afterwards. */
export interface StepRound {
  readonly reached: string | undefined
  readonly violations: readonly string[]
}

/** All steps of a worker that nobody disturbs. */
export async function stepsOf(options: SceneOptions): Promise<readonly string[]> {
  await using scene = await makeScene(options)
  const { steps, log } = await runWorkerProcess(scene)
  if (!steps) throw new Error(`the undisturbed worker did not end well: ${log}`)
  return steps
}

/**
 * The steps at which stopping a worker can make a difference. Inside a transaction it would hold the catalog's file for as long as
 * it is stopped, and everybody would wait for it.
 */
export const stoppableSteps = (steps: readonly string[]): readonly number[] =>
  steps.flatMap((step, at) => (/^(sql|engine) /.test(step) ? [] : [at]))

/** Kills a worker at its step `at`; then others come. With `again`, the first of them is killed as well. */
export async function killRound(options: SceneOptions, at: number, again?: number): Promise<StepRound> {
  await using scene = await makeScene(options)
  const killed = await runWorkerProcess(scene, { at, signal: 'SIGKILL' })
  const wrong = killed.exit === 'SIGKILL' ? [] : unexpectedEnd(killed)
  if (again !== undefined) await runWorkerProcess(scene, { at: again, signal: 'SIGKILL' })
  await recover(scene)
  await sweepTwice(scene)
  return { reached: killed.reached, violations: [...wrong, ...(await sceneViolations(scene))] }
}

/**
 * Stops a worker at its step `at` until its lease is over, and others have done its task, swept, and swept again when `sweeps`
 * is set; then it goes on. It must change no set and no task any more.
 */
export async function stopRound(options: SceneOptions, at: number, { sweeps = false } = {}): Promise<StepRound> {
  await using scene = await makeScene(options)
  let before = ''
  const whileStopped = async () => {
    await recover(scene)
    if (sweeps) await sweepTwice(scene)
    before = await snapshot(scene)
  }
  const ended = await runWorkerProcess(scene, { at, signal: 'SIGSTOP', whileStopped })
  const wrong = ended.steps ? [] : unexpectedEnd(ended)
  const after = await snapshot(scene)
  if (ended.reached !== undefined && after !== before) {
    wrong.push(`the stopped worker changed the catalog from ${before} to ${after}`)
  }
  await recover(scene)
  await sweepTwice(scene)
  return { reached: ended.reached, violations: [...wrong, ...(await sceneViolations(scene))] }
}

const unexpectedEnd = ({ exit, reached, log }: Ended) => [
  `the worker ended with ${exit}, having reached ${reached ?? 'nothing'}: ${log}`,
]

/** What the catalog says of sets and of the scene's own task. */
async function snapshot(scene: Scene): Promise<string> {
  const sets = await allSets({ catalog: scene.catalog, instanceIds: [scene.instanceId] })
  const { state, attempt, reason } = (await scene.catalog.task(scene.task.id)) ?? {}
  return JSON.stringify([sets, state, attempt, reason])
}

const sceneViolations = (scene: Scene): Promise<string[]> =>
  violationsOf({
    catalog: scene.catalog,
    store: scene.store,
    storeDirectory: placesOf(scene.directory).storeDirectory,
    instanceIds: [scene.instanceId],
    expected: scene.expected,
    content: scene.engine === 'fake' ? contentOf(scene.contentBytes) : undefined,
  })
