import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { seeded } from '../crash/random.ts'
import { changeAtRandom } from './chain-changes.ts'
import { openChainWorld, takeMember } from './chain-world.ts'

/** HOLDFAST_CHAIN_SEED does one chain again, HOLDFAST_CHAIN_ROUNDS as many new ones. */
const { HOLDFAST_CHAIN_SEED: given, HOLDFAST_CHAIN_ROUNDS: rounds = '1' } = process.env
const seeds =
  given === undefined ? [1, ...Array.from({ length: Number(rounds) }, () => randomInt(2 ** 32))] : [Number(given)]

for (const seed of seeds) {
  test(`each set of a chain of random changes equals its source at that moment (seed ${seed})`, async () => {
    await using world = await openChainWorld(['--wal-segsize=1'])
    const random = seeded(seed)
    await changeAtRandom(world.server, random, 0, 12)
    const chain = [await takeMember(world.server)]
    for (let link = 1; link <= 4; link++) {
      const done = await changeAtRandom(world.server, random, link * 100, 1 + random.below(15))
      chain.push(await takeMember(world.server, chain.at(-1)))
      assert.deepEqual(await world.compare(chain), [], `after ${done.join(', ')}`)
    }
  })
}
