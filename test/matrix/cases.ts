import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectoryFor } from '../../quickstart/account.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { restore } from '../../src/engine/postgres/restore.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openSet } from '../../src/set/read.ts'
import { queryRestored } from '../postgres/restored-server.ts'
import { takeMember } from '../postgres/chain-world.ts'
import { fillRichly, ODD_ROLE } from '../e2e/rich-source.ts'
import { startService } from '../e2e/service.ts'
import { proveRoundTrip, register } from '../e2e/sets.ts'
import { startPostgres, type Major } from '../lib/postgres.ts'
import { bringInto, compareServers, takeLogical } from '../logical/world.ts'
import { proveChain } from './chain.ts'
import { proveHandSteps } from './hand-steps.ts'
import { measureIncrement } from './increment-size.ts'
import type { MajorPrograms } from './programs.ts'
import { verifyBackup } from './verify-backup.ts'

/** One major version, and all programs at hand: where it lacks one, a newer version's is used. */
export interface Bench {
  readonly programs: MajorPrograms
  readonly all: readonly MajorPrograms[]
}

/** Something shown of each version that has it. */
export interface Case {
  readonly what: string
  /** The majors that have it. */
  readonly since: Major
  /** Gives what is worth telling beside 'yes'. */
  readonly run: (bench: Bench) => Promise<string>
}

const CHAINS: Major = 17
const engine = postgresEngine({ clock: systemClock })

export const CASES: readonly Case[] = [
  { what: 'full set: taken, listed, downloaded, verified, restored, every table compared', since: 14, run: fullSet },
  { what: 'restored full set passes pg_verifybackup', since: 14, run: verifiedFull },
  { what: 'logical set: taken, brought into an empty server, every table compared', since: 14, run: logicalSet },
  { what: 'drills of a full set and of a logical one pass, and leave nothing', since: 14, run: drills },
  {
    what: 'each restored chain of random changes equals its source and what pg_combinebackup makes, and passes pg_verifybackup and pg_amcheck',
    since: CHAINS,
    run: ({ programs }) => proveChain(programs),
  },
  {
    what: 'the steps by hand of docs/format.md bring back a chain',
    since: CHAINS,
    run: ({ programs }) => proveHandSteps(programs),
  },
  {
    what: 'an increment is within 5 % of pg_basebackup --incremental',
    since: CHAINS,
    run: ({ programs }) => measureIncrement(programs),
  },
]

/** The nearest version that has this tool: its own, else a newer one. */
function toolOf({ programs, all }: Bench, name: string): MajorPrograms {
  const found = all.find(({ major, tools }) => major >= programs.major && tools.includes(name))
  if (!found) throw new Error(`no version of ${programs.major} or newer has ${name}`)
  return found
}

const toldTool = ({ programs }: Bench, name: string, { major }: MajorPrograms): string =>
  major === programs.major ? '' : `${name} of ${major}`

const start = ({ major: version, binDirectory }: MajorPrograms, initdbArgs: readonly string[] = []) =>
  startPostgres({ version, binDirectory, initdbArgs })

async function fullSet({ programs }: Bench): Promise<string> {
  await using server = await start(programs)
  await fillRichly(server)
  await using service = await startService({ args: ['--set', `restore.binDirs=${programs.binDirectory}`] })
  await register(service, 'matrix', [{ address: { ...server.address, ...ODD_ROLE } }])
  const set = await proveRoundTrip(service, 'matrix', server, async (started) => {
    assert.deepEqual(await queryRestored(started, 'select count(*)::int as n from passing'), [{ n: 0 }])
  })
  assert.equal(set.EngineVersion, `${programs.major}.0`)
  return ''
}

async function verifiedFull(bench: Bench): Promise<string> {
  const { programs } = bench
  await using server = await start(programs, ['--data-checksums'])
  await server.addTablespace('space')
  await server.query('create table t tablespace space as select g, md5(g::text) from generate_series(1, 9000) g')
  const verifier = toolOf(bench, 'pg_verifybackup')
  const directory = await makeDirectoryFor(server.account, 'holdfast-matrix-', '/tmp')
  try {
    const { dataDirectory } = await restore({ directory: join(directory, 'r') }, [await takeMember(server)], {
      binDirs: [programs.binDirectory],
    })
    await verifyBackup(verifier, dataDirectory, { log: verifier.major === programs.major })
    await assert.rejects(breakAndVerify(verifier, dataDirectory), /checksum mismatch/)
  } finally {
    await rm(directory, { recursive: true })
  }
  return toldTool(bench, 'pg_verifybackup', verifier)
}

async function drills(bench: Bench): Promise<string> {
  const { programs } = bench
  const tools = toolOf(bench, 'pg_dump')
  const binDirs = [programs.binDirectory, tools.binDirectory]
  await using server = await start(programs, ['--data-checksums'])
  await fillRichly(server)
  const logical = await takeLogical(server.address, { binDirs, compressionLevel: 1 })
  const sets = { full: await takeMember(server), logical: openSet(logical.store, logical.manifest) }
  const directory = await makeDirectoryFor(server.account, 'holdfast-matrix-', '/tmp')
  const told: string[] = []
  try {
    for (const [name, set] of Object.entries(sets)) {
      const target = { directory: join(directory, name), ...(server.account && { owner: server.account }) }
      const report = await engine.drill(target, [set], { binDirs })
      assert.deepEqual([report.started, report.problems, report.warnings], [true, [], []])
      assert.equal(report.pageChecksums, name === 'full' ? 'passed' : 'not available')
      told.push(...report.databases.map(({ check }) => check))
    }
    assert.deepEqual(await readdir(directory), [])
  } finally {
    await rm(directory, { recursive: true })
  }
  return [...new Set(told)].join()
}

/** Changes a byte of a file, and asks again. */
async function breakAndVerify(verifier: MajorPrograms, dataDirectory: string): Promise<void> {
  const path = join(dataDirectory, 'global/pg_control')
  const content = await readFile(path)
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
  await writeFile(path, content)
  await verifyBackup(verifier, dataDirectory, { log: false })
}

async function logicalSet(bench: Bench): Promise<string> {
  const { programs } = bench
  const tools = toolOf(bench, 'pg_dump')
  const binDirs = [tools.binDirectory]
  await using source = await start(programs)
  await fillRichly(source)
  // An unlogged table is emptied where it is compared.
  await source.query('truncate passing')
  await using target = await start(programs)
  const set = await takeLogical(source.address, { binDirs, compressionLevel: 1 })
  await bringInto(target.address, set, undefined, { binDirs, tablespaces: false })
  assert.deepEqual(await compareServers(source, target), [])
  return toldTool(bench, 'pg_dump', tools)
}
