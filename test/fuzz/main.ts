import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import { bombard } from './bombard.ts'

/**
 * The API process may hold this much more after all requests than after half of them. In the first half V8's heap grows to the size that
 * this load needs (293 to 344 MiB over 60,000 requests); from there 140,000 more added 9 MiB.
 */
const GROWTH_MIB = 32

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } })
const count = Number(values.count ?? 100_000)
const seed = Number(values.seed ?? randomInt(2 ** 32))
console.log(`${count} malformed requests of seed ${seed}; again: npm run test:fuzz -- --seed ${seed} --count ${count}`)
const { counts, broken, memory } = await bombard(count, seed)
for (const what of Object.keys(counts).toSorted()) console.log(`${what.padEnd(20)} ${counts[what]}`)
const grown = (memory.at(-1) ?? 0) - (memory[4] ?? 0)
console.log(`resident memory of the API process after each tenth, in MiB: ${memory.join(' ')}`)
for (const line of broken.slice(0, 20)) console.error(`error: ${line}`)
if (broken.length > 0) console.error(`error: ${broken.length} requests met a 5xx or no end`)
if (grown > GROWTH_MIB) console.error(`error: memory grew by more than ${GROWTH_MIB} MiB in the second half`)
process.exitCode = broken.length > 0 || grown > GROWTH_MIB ? 1 : 0
