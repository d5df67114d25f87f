import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import { bombard } from './bombard.ts'

/** The API process may hold this much more after all requests than after the first tenth. */
const GROWTH_MIB = 64

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } })
const count = Number(values.count ?? 100_000)
const seed = Number(values.seed ?? randomInt(2 ** 32))
console.log(`${count} malformed requests of seed ${seed}; again: npm run test:fuzz -- --seed ${seed} --count ${count}`)
const { counts, broken, before, after } = await bombard(count, seed)
for (const what of Object.keys(counts).toSorted()) console.log(`${what.padEnd(20)} ${counts[what]}`)
console.log(`resident memory of the API process: ${before} MiB after a tenth, ${after} MiB after all`)
for (const line of broken.slice(0, 20)) console.error(`error: ${line}`)
if (broken.length > 0) console.error(`error: ${broken.length} requests met a 5xx or no end`)
if (after - before > GROWTH_MIB) console.error(`error: memory grew by more than ${GROWTH_MIB} MiB`)
process.exitCode = broken.length > 0 || after - before > GROWTH_MIB ? 1 : 0
