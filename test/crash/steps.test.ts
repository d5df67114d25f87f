import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { mapAhead } from '../../src/lib/ahead.ts'
import { killRound, type StepRound, stepsOf, stopRound } from './rounds-of-steps.ts'
import { SCENE_KINDS, type SceneKind } from './scene.ts'

const CONTENT_BYTES = 60_000

/** Rounds that are under way at once. */
const AT_ONCE = 2

const optionsOf = (kind: SceneKind) => ({ kind, contentBytes: CONTENT_BYTES })

const steps = new Map<SceneKind, readonly string[]>()
before(async () => {
  for (const kind of SCENE_KINDS) steps.set(kind, await stepsOf(optionsOf(kind)))
})

const namesOf = (kind: SceneKind): readonly string[] => steps.get(kind) ?? []

/** What others see: names that come and go in the store, and what the catalog said. */
const VISIBLE = /^file (rename|link|unlink|rm|rmdir) |^catalog .* done$/

/** Of a backup every single step; of other tasks those that others see. `npm run test:crash` takes any step of any task. */
const placesToKillAt = (kind: SceneKind): readonly number[] =>
  kind === 'backup' ? [...namesOf(kind).keys()] : placesOf(kind, VISIBLE)

const placesOf = (kind: SceneKind, which: RegExp): readonly number[] =>
  namesOf(kind).flatMap((step, at) => (which.test(step) ? [at] : []))

/** Does a round at each of these steps; what is wrong, by step. */
async function violationsAt(
  kind: SceneKind,
  places: readonly number[],
  round: (at: number) => Promise<StepRound>,
): Promise<string[]> {
  const wrong: string[] = []
  const each = async function* () {
    yield* places
  }
  const rounds = mapAhead(each(), AT_ONCE, async (at) => ({ at, ...(await round(at)) }))
  for await (const { at, reached, violations } of rounds) {
    const step = `step ${at} (${namesOf(kind)[at]})`
    if (reached !== namesOf(kind)[at]) wrong.push(`${step}: the worker was at ${reached} instead`)
    wrong.push(...violations.map((violation) => `${step}: ${violation}`))
  }
  return wrong
}

suite('a worker that is killed', () => {
  test('has steps in every layer: files, statements, the store and the catalog', () => {
    const layers = new Set(namesOf('backup').map((step) => step.split(' ')[0]))
    assert.deepEqual(layers, new Set(['file', 'catalog', 'sql', 'store', 'engine']))
    for (const step of ['file rename manifest.json', 'sql insert into sets', 'store put data.tar.zst chunk 0']) {
      assert.ok(namesOf('backup').includes(step), step)
    }
  })

  for (const kind of SCENE_KINDS) {
    test(`at any step of its task (${kind}) loses no set, shows none that is not, and leaves no garbage`, async () => {
      const places = placesToKillAt(kind)
      assert.ok(places.length > 2, `${kind} has steps`)
      assert.deepEqual(await violationsAt(kind, places, (at) => killRound(optionsOf(kind), at)), [])
    })
  }
})

suite('a worker that is stopped past its lease and goes on', () => {
  test('changes no set and no task, at any step of a backup that others see; what it writes is swept', async () => {
    const from = namesOf('backup').indexOf('catalog claimTask done')
    const to = namesOf('backup').indexOf('catalog commitSet done')
    const places = placesOf('backup', /^(store|catalog|file rename) /).filter((at) => at >= from && at < to)
    assert.ok(places.length > 10)
    assert.deepEqual(await violationsAt('backup', places, (at) => stopRound(optionsOf('backup'), at)), [])
  })

  test('makes no set of an attempt that was swept away meanwhile', async () => {
    const from = namesOf('backup').indexOf('catalog renewTask done')
    const to = namesOf('backup').indexOf('catalog commitSet')
    const places = placesOf('backup', /^(store|catalog|file rename) /).filter((at) => at >= from && at <= to)
    assert.ok(places.length > 5)
    const round = (at: number) => stopRound(optionsOf('backup'), at, { sweeps: true })
    assert.deepEqual(await violationsAt('backup', places, round), [])
  })

  for (const kind of ['expire', 'sweep'] as const) {
    test(`removes nothing that is needed (${kind})`, async () => {
      const places = placesOf(kind, /^store (remove|put) \S+$/)
      assert.ok(places.length > 2)
      const round = (at: number) => stopRound(optionsOf(kind), at, { sweeps: true })
      assert.deepEqual(await violationsAt(kind, places, round), [])
    })
  }
})
