import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestServer } from '../test/lib/postgres.ts'
import { programsOf } from '../test/matrix/programs.ts'
import { type GroupOptions, startSeventeen } from './backup-group.ts'
import { placeFor, startLine, stopRestored } from './backup-peers.ts'
import { type Protected, protect } from './holdfast.ts'
import { mostBytes, shell } from './measure.ts'
import { writeSection } from './page.ts'
import { aimTable, bytesRatio, explained, race, resultTable, type Runner, timeRatio } from './race.ts'
import { changeOnePercent, databaseBytes, fill } from './sample.ts'

const INCREMENTS = 6

/** Restore of a full set and six increments, by us from the store, and by laying all seven down and combining them. */
export async function benchChain({ directory, megabytes, rounds }: GroupOptions): Promise<void> {
  await using programs = await programsOf(17)
  await using server = await startSeventeen(programs)
  process.stderr.write('filling the database\n')
  await fill(server, megabytes, { fillFactor: 75 })
  await using service = await protect(server, await mkdtemp(join(directory, 'holdfast-')), 1)
  const tools = await placeFor(server, join(directory, 'tools'))
  let { set } = await service.take('--type', 'full')
  await takeByTool(0)
  for (let turn = 1; turn <= INCREMENTS; turn++) {
    await changeOnePercent(server, turn)
    set = (await service.take('--type', 'incremental')).set
    await takeByTool(turn)
  }
  const runners = ['--copy', '--copy-file-range'].map((how) => combineRunner(server, join(directory, 'tools'), how))
  const results = await race('chain', [...runners, ourRunner(service, set, join(server.directory, 'restored'))], rounds)
  report(results, await databaseBytes(server), rounds)

  /** Takes the same by pg_basebackup: a tar for each, and its manifest for the next one. */
  async function takeByTool(number: number): Promise<void> {
    const below = join(directory, 'tools')
    const base = number === 0 ? '' : `--incremental=${below}/manifest-${number - 1}`
    const file = `${below}/${number}.tar.zst`
    const command = `pg_basebackup -Ft -X fetch -c fast ${base} -D - | zstd -q -1 -T0 -o ${file}`
    await shell(`${command} && zstd -dcq ${file} | tar -xO backup_manifest > ${below}/manifest-${number}`, tools)
  }
}

function report(results: Parameters<typeof timeRatio>[0], size: number, rounds: number): void {
  const body = `A PostgreSQL 17 of ${(size / 1e9).toFixed(2)} GB, backed up once in full and ${INCREMENTS} times after a row in each hundredth block, another one each time, had
changed; all compressed by zstd at level 1. Until the restored server accepts connections. ${explained(rounds)}
Disk is the most that the restore took at once, looked at while it warmed up.

${resultTable(`restore of 1 + ${INCREMENTS}`, 'disk MB', results)}

${aimTable([
  { what: 'seconds, to the best of the others', ratio: timeRatio(results), aim: 0.7 },
  { what: 'disk, to the least of the others', ratio: bytesRatio(results), aim: 1 },
])}`
  writeSection('Restore of a chain', 'npm run bench:backup -- --only chain', body)
  process.stdout.write(`${body}\n`)
}

function ourRunner(service: Protected, set: string, target: string): Runner {
  const disk = mostBytes(target)
  return {
    name: 'Holdfast, straight from the store',
    ours: true,
    run: () => disk.during(() => service.restore(set, target)),
    bytes: disk.bytes,
  }
}

function combineRunner(server: TestServer, tools: string, how: string): Runner {
  const to = join(server.directory, `combined${how}`)
  const disk = mostBytes(to)
  const numbers = Array.from({ length: INCREMENTS + 1 }, (_, number) => number)
  const lay = numbers.map((n) => `mkdir ${to}/${n} && zstd -dcq ${tools}/${n}.tar.zst | tar -x -C ${to}/${n}`)
  const combine = `pg_combinebackup ${how} -o ${to}/data ${numbers.map((n) => `${to}/${n}`).join(' ')}`
  const line = `mkdir ${to} && ${lay.join(' && ')} && ${combine} && ${startLine(server, `${to}/data`, server.address.port + 1)}`
  return {
    name: `zstd -dc | tar -x, seven times; pg_combinebackup ${how}`,
    ours: false,
    async run() {
      await shell(`rm -rf ${to}`)
      const options = await placeFor(server, join(to, '..'))
      const spent = await disk.during(() => shell(line, options))
      await stopRestored(server, `${to}/data`)
      return spent
    },
    bytes: disk.bytes,
  }
}
