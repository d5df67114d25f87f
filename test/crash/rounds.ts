import { parseArgs } from 'node:util'
import { startPostgres } from '../lib/postgres.ts'
import { type Done, serviceRounds, stepRounds } from './plan.ts'
import { seeded } from './random.ts'
import { lastingAfterAll, register } from './service-rounds.ts'
import { openServiceWorld } from './service-world.ts'

// The long form of the crash tests: random rounds with every kind of kill, until so many are done or the time is over.
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const [rounds, seconds, seed] = [Number(values.rounds), Number(values.seconds), Number(values.seed)]
console.log(`seed ${seed}, at most ${rounds} rounds and ${seconds} seconds`)
process.exitCode = (await main()) > 0 ? 1 : 0

/** Does the rounds and prints what they came to; gives the number of violations. */
async function main(): Promise<number> {
  const random = seeded(seed)
  await using postgres = await startPostgres({ version: 15 })
  await postgres.query('create table t as select g, md5(g::text) from generate_series(1, 20000) g')
  const instanceId = 'pg-crash'
  await using pretended = await openServiceWorld()
  await using real = await openServiceWorld({ address: postgres.address })
  for (const world of [pretended, real]) await register(world, instanceId)
  const steps = stepRounds(random, postgres.address)
  const ofPretended = serviceRounds(random, pretended, instanceId)
  const ofReal = serviceRounds(random, real, instanceId)
  // Steps are exact and quick; the services find what nobody thought of.
  const done = await doRounds(() => random.pick([steps, steps, steps, steps, ofPretended, ofReal])())
  for (const world of [pretended, real]) {
    for (const violation of await lastingAfterAll(world)) done.violations.push(`in the end: ${violation}`)
  }
  return report(done)
}

interface Tally {
  rounds: number
  readonly hurts: Map<string, number>
  readonly places: Map<string, number>
  readonly violations: string[]
}

async function doRounds(next: () => Promise<Done>): Promise<Tally> {
  const tally: Tally = { rounds: 0, hurts: new Map(), places: new Map(), violations: [] }
  const end = Date.now() + seconds * 1000
  while (tally.rounds < rounds && Date.now() < end) {
    const { hurt, place, name, violations } = await next()
    tally.rounds++
    count(tally.hurts, hurt)
    count(tally.places, place)
    for (const violation of violations) {
      tally.violations.push(`round ${tally.rounds} (${name}): ${violation}`)
      console.error(tally.violations.at(-1))
    }
    if (tally.rounds % 25 === 0) console.log(`${tally.rounds} rounds, ${tally.violations.length} violations so far`)
  }
  return tally
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

function report({ rounds: number, hurts, places, violations }: Tally): number {
  for (const [heading, counts] of Object.entries({ 'how it was hurt': hurts, where: places })) {
    console.log(`\n${heading}`)
    const sorted = [...counts].toSorted(([, a], [, b]) => b - a)
    for (const [what, times] of sorted) console.log(`${String(times).padStart(6)}  ${what}`)
  }
  for (const violation of violations) console.log(violation)
  console.log(`\n${number} rounds, ${violations.length} violations`)
  return violations.length
}
