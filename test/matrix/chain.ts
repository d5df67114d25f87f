import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checksums, differences } from '../../quickstart/checksums.ts'
import { runProgram } from '../../quickstart/postgres-process.ts'
import { startRestored } from '../../src/engine/postgres/restore-start.ts'
import { seeded, type Random } from '../crash/random.ts'
import { eventually } from '../lib/eventually.ts'
import { startReplica, type TestServer } from '../lib/postgres.ts'
import { changeAtRandom } from '../postgres/chain-changes.ts'
import { openChainWorld, takeMember, type ChainWorld, type Member } from '../postgres/chain-world.ts'
import { combine } from './combine.ts'
import type { MajorPrograms } from './programs.ts'
import { differentFiles } from './same-files.ts'
import { verifyBackup, withSentFiles } from './verify-backup.ts'

/** HOLDFAST_CHAIN_SEED does the same changes again, HOLDFAST_CHAIN_LINKS takes so many increments. */
const { HOLDFAST_CHAIN_SEED: given, HOLDFAST_CHAIN_LINKS: wanted = '5' } = process.env

/** Random changes between increments, on one server and then across a promotion; every chain held against PostgreSQL's own tools. */
export async function proveChain(programs: MajorPrograms): Promise<string> {
  const seed = given === undefined ? randomInt(2 ** 32) : Number(given)
  try {
    const alone = await onOneServer(programs, seeded(seed), Number(wanted))
    const across = await acrossPromotion(programs, seeded(seed))
    return `${alone + across} chains, ${across} of them across a promotion`
  } catch (cause) {
    throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

const open = ({ major, binDirectory }: MajorPrograms) => {
  assert.ok(major === 17 || major === 18)
  return openChainWorld(['--wal-segsize=1'], { version: major, binDirectory })
}

async function onOneServer(programs: MajorPrograms, random: Random, links: number): Promise<number> {
  await using world = await open(programs)
  await changeAtRandom(world.server, random, 0, 15)
  const chain = [await takeMember(world.server)]
  for (let link = 1; link <= links; link++) {
    const done = await changeAtRandom(world.server, random, link * 100, 1 + random.below(15))
    chain.push(await takeMember(world.server, chain.at(-1)))
    await check(world, programs, world.server, chain, done)
  }
  return links
}

/** A tablespace has one path on the primary and on its replica, which are on one machine here: this chain has none. */
const NO_SPACES = ['createSpace']

async function acrossPromotion(programs: MajorPrograms, random: Random): Promise<number> {
  await using world = await open(programs)
  const { server } = world
  await using replica = await startReplica(server, { settings: { summarize_wal: 'on' } })
  await changeAtRandom(server, random, 0, 10, NO_SPACES)
  const chain = [await takeMember(server)]
  await changeAtRandom(server, random, 100, 10, NO_SPACES)
  chain.push(await takeMember(server, chain.at(-1)))
  await changeAtRandom(server, random, 200, 10, NO_SPACES)
  // A promotion at the boundary of a segment of the log is one that the server knows no increment over.
  await server.query('select pg_switch_wal()')
  await server.query('create table before_promotion as select g from generate_series(1, 1000) g')
  await replayed(server, replica)
  await server.stop()
  await replica.query('select pg_promote()')
  for (let link = 3; link <= 4; link++) {
    const done = await changeAtRandom(replica, random, link * 100, 10, NO_SPACES)
    chain.push(await takeMember(replica, chain.at(-1)))
    assert.equal(chain.at(-1)?.manifest.postgres?.timeline, 2)
    await check(world, programs, replica, chain, done)
  }
  return 2
}

async function replayed(primary: TestServer, replica: TestServer): Promise<void> {
  const [end] = await primary.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  const there = `select pg_last_wal_replay_lsn() >= '${end?.lsn}'::pg_lsn as there`
  await eventually(async () => (await replica.query<{ there: boolean }>(there))[0]?.there === true, 'it is replayed')
}

/**
 * A server logs 32 values of a sequence ahead, and a replica is at the last of them, which nobody was given. A page that has not changed
 * since the full set is the primary's, also by pg_combinebackup: a chain across a promotion may be so far behind the replica.
 */
function isNotLoggedAhead(difference: string): boolean {
  const [, at, source] = / is at (\d+), behind (\d+)$/.exec(difference) ?? []
  return at === undefined || Number(source) - Number(at) > 32
}

/** Everything that is said of a restored chain: by pg_verifybackup, by pg_combinebackup, by pg_amcheck and by its rows. */
async function check(
  world: ChainWorld,
  programs: MajorPrograms,
  source: TestServer,
  chain: readonly Member[],
  done: readonly string[],
): Promise<void> {
  const after = `${chain.length} sets, the last after ${done.join(', ')}`
  const name = `restored-${chain.length}`
  const restored = await world.restoreTo(name, chain)
  await verifyBackup(programs, restored.dataDirectory)
  const combined = join(world.directory, `combined-${chain.length}`)
  await combine(programs, world.owner, chain, combined)
  const files = await withSentFiles(restored.dataDirectory, () => differentFiles(join(world.directory, name), combined))
  assert.deepEqual(files, [], after)
  await rm(combined, { recursive: true })
  {
    await using started = await startRestored(restored, { owner: world.owner })
    const { host, port } = started.address
    const { address } = source
    const there = { host, port, user: 'postgres', database: 'postgres' }
    const { user, password } = address
    const here = { host: address.host, port: address.port, user, password, database: 'postgres' }
    const found = differences(await checksums(here), await checksums(there))
    assert.deepEqual(found.filter(isNotLoggedAhead), [], after)
    await runProgram({ ...programs, account: undefined }, 'pg_amcheck', [
      '--all',
      '--install-missing',
      '--heapallindexed',
      '--parent-check',
      '--host',
      host,
      '--port',
      String(port),
      '--username',
      'postgres',
    ])
  }
  await rm(join(world.directory, name), { recursive: true })
}
