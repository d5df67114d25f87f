import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { checksums, differences } from '../../quickstart/checksums.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openSet, readManifest } from '../../src/set/read.ts'
import { startPostgres, type TestServer } from '../lib/postgres.ts'
import { seeded } from './random.ts'
import { killRound, stepsOf } from './rounds-of-steps.ts'
import { type Asked, type Hurt, register, type ServiceRound, serviceRound } from './service-rounds.ts'
import { openServiceWorld, type ServiceWorld } from './service-world.ts'

const INSTANCE = 'pg-1'

/** Each of the three processes and each of the calls once; the moments are those of chance. */
const ROUNDS: readonly (readonly [Hurt, Asked, number])[] = [
  ['kill worker', 'CreateBackup', 700],
  ['kill api', 'CreateBackup', 20],
  ['kill parent', 'CreateBackup', 700],
  ['stop worker', 'CreateBackup', 700],
  ['kill api and worker', 'RegisterDBInstance', 30],
  ['kill worker', 'DeleteBackup', 60],
  ['kill worker', 'RestoreBackup', 400],
]

suite('the service on a real PostgreSQL', () => {
  const random = seeded(Date.now())
  const stack = new AsyncDisposableStack()
  let postgres: TestServer
  let world: ServiceWorld

  before(async () => {
    postgres = stack.use(await startPostgres({ version: 15 }))
    await postgres.query('create table t as select g, md5(g::text) from generate_series(1, 20000) g')
    world = stack.use(await openServiceWorld({ address: postgres.address }))
    await register(world, INSTANCE)
  })
  after(() => stack.disposeAsync())

  for (const [index, [hurt, asked, mostMs]] of ROUNDS.entries()) {
    test(`keeps its promises: ${hurt}, in the middle of ${asked}`, async () => {
      const delayMs = random.below(mostMs)
      const round: ServiceRound = { hurt, asked, delayMs, instanceId: INSTANCE, name: `round-${index}` }
      const { violations, place } = await serviceRound(world, round)
      assert.deepEqual(violations, [], `after ${delayMs} ms, ${place}`)
    })
  }

  test('has sets afterwards that come back as the database was', async () => {
    const { items } = await world.catalog.sets({ instanceId: INSTANCE, status: 'Success', offset: 0, limit: 1 })
    const manifest = await readManifest(world.store, items[0]?.manifestKey ?? '')
    const directory = join(world.restoreRoot, 'compared')
    const target = { directory, owner: world.owner }
    const restored = await postgresEngine({ clock: systemClock }).restore(target, [openSet(world.store, manifest)], {})
    await using started = await startRestored(restored, { owner: world.owner })
    const { host, port, user, password } = postgres.address
    const [source, copy] = await Promise.all([
      checksums({ host, port, user, password, database: 'postgres' }),
      checksums({ host: started.address.host, port: started.port, user: started.address.user, database: 'postgres' }),
    ])
    assert.ok(source.some(({ name, rows }) => name.endsWith('t') && rows === 20_000))
    assert.deepEqual(differences(source, copy), [])
    await started.stop()
    await rm(directory, { recursive: true })
  })

  test('and a worker killed at a step that chance chooses, three times, leave no less', async () => {
    const options = { kind: 'backup', contentBytes: 0, address: postgres.address } as const
    const steps = await stepsOf(options)
    assert.ok(
      steps.some((step) => /^store put data.tar.zst chunk [1-9]/.test(step)),
      'several chunks',
    )
    for (let round = 0; round < 3; round++) {
      const at = random.below(steps.length)
      const { violations } = await killRound(options, at)
      assert.deepEqual(violations, [], `step ${at}: ${steps[at]}`)
    }
  })
})
